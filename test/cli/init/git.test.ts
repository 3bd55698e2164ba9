import { execFileSync } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { snapshot } from '../../support/files.ts';
import { Sandbox } from '../../support/sandbox.ts';

function git(cwd: string, ...args: string[]): string[] {
  const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
  return execFileSync('git', args, { cwd, env, encoding: 'utf8' }).split('\n').filter(Boolean);
}

test('--git makes a repository, and stages all files except private ones', async () => {
  const sandbox = new Sandbox();
  // A git hook sets these variables. With them, git would use another repository.
  const env = {
    GIT_DIR: sandbox.path('other'),
    GIT_WORK_TREE: sandbox.directory,
    GIT_INDEX_FILE: sandbox.path('index'),
  };
  const result = await sandbox.sessapp(['init', 'myenv', '--git', '--json'], { env });
  const { plan } = JSON.parse(result.stdout) as { plan: { git: boolean; files: { path: string }[] } };
  const paths = plan.files.map(({ path }) => path).filter((path) => path !== '.env');
  expect(git(sandbox.path('myenv'), 'diff', '--cached', '--name-only')).toEqual(paths.sort());
  await mkdir(sandbox.path('myenv', 'data'));
  await writeFile(sandbox.path('myenv', 'data', 'sessions.mdb'), '');
  // A backup as in docs/store.md.
  await writeFile(sandbox.path('myenv', 'sessions.mdb'), '');
  expect(git(sandbox.path('myenv'), 'status', '--short').filter((line) => !line.startsWith('A  '))).toEqual([]);
  expect(await readdir(sandbox.directory)).toEqual(['myenv']);
});

test('with an existing .gitignore that does not cover .env, .env is not staged', async () => {
  const sandbox = new Sandbox();
  await mkdir(sandbox.path('myenv'));
  await writeFile(sandbox.path('myenv', '.gitignore'), 'bin\n');
  await sandbox.sessapp(['init', 'myenv', '--git', '--allow-existing', '--no-install']);
  const staged = git(sandbox.path('myenv'), 'diff', '--cached', '--name-only');
  expect(staged).toContain('bin/activate');
  expect(staged).not.toContain('.env');
});

test('inside a repository, --git makes no new one, and warns', async () => {
  const sandbox = new Sandbox();
  git(sandbox.directory, 'init', '--quiet');
  const before = await snapshot(sandbox.path('.git'));
  const result = await sandbox.sessapp(['init', 'myenv', '--git', '--no-install', '--json']);
  expect(JSON.parse(result.stdout).plan).toMatchObject({
    git: false,
    warnings: [expect.stringContaining('repository')],
  });
  expect(await readdir(sandbox.path('myenv'))).not.toContain('.git');
  expect(await snapshot(sandbox.path('.git'))).toEqual(before);
});

test('--git is refused for an existing environment outside a repository', async () => {
  const sandbox = new Sandbox();
  await sandbox.sessapp(['init', 'myenv', '--no-install']);
  const again = () => sandbox.sessapp(['init', 'myenv', '--git', '--json']);
  const refused = await again();
  const message = `${sandbox.path('myenv')} is an environment already, in no git repository.`;
  expect(JSON.parse(refused.stdout).error).toEqual({ code: 'exists', message, hint: 'Type: git -C myenv init' });
  git(sandbox.directory, '-C', 'myenv', 'init');
  expect(JSON.parse((await again()).stdout)).toMatchObject({ status: 'unchanged' });
});

test('when git is missing, no partial environment is left', async () => {
  const sandbox = new Sandbox();
  const result = await sandbox.sessapp(['init', 'myenv', '--git', '--no-install', '--json'], {
    env: { PATH: '/nowhere' },
  });
  expect(JSON.parse(result.stdout).error).toMatchObject({ code: 'git-failed', message: 'git is not on the PATH.' });
  expect(await readdir(sandbox.directory)).toEqual([]);
});

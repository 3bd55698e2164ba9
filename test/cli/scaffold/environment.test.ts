import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { listApplicationFiles } from '../../../src/cli/scaffold/layers.ts';
import { readJson, snapshot } from '../../support/files.ts';
import { finish, Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment } from '../../support/server.ts';
import { variants, writeVariant } from './variants.ts';

const outside = ['node_modules', 'data', '.git'];

async function listOwn(directory: string): Promise<string[]> {
  const paths = Object.entries(await snapshot(directory)).filter(([, what]) => !what.endsWith('directory'));
  return paths.map(([path]) => path).filter((path) => !outside.includes(path.split('/')[0] ?? ''));
}

async function countLines(...path: string[]): Promise<number> {
  return (await readFile(join(...path), 'utf8')).trimEnd().split('\n').length;
}

test('an environment has at most 25 files, an application under 30 lines and a server of about ten lines', async () => {
  const environment = inject('environment');
  expect((await listOwn(environment)).length).toBeLessThanOrEqual(25);
  expect(await countLines(environment, 'app.js')).toBeLessThan(30);
  expect(await countLines(environment, 'server.js')).toBeLessThanOrEqual(12);
});

test.each(variants)(
  'with $template, $store, $language, only the application and the server file are code',
  async (variant) => {
    const sandbox = new Sandbox();
    writeVariant(sandbox.path('made'), variant);
    const code = (await listOwn(sandbox.path('made'))).filter((path) => /\.[cm]?[jt]s$/.test(path));
    const ending = variant.language === 'typescript' ? 'ts' : 'js';
    const application = listApplicationFiles(variant).filter((path) => path.endsWith(`.${ending}`));
    expect(application).toContain(`app.${ending}`);
    expect(code).toEqual([...application, `server.${ending}`].sort());
    for (const path of code) expect((await readFile(sandbox.path('made', path), 'utf8')).trim()).not.toBe('');
  },
);

/** An environment whose own copy of the package has this version in its package.json. */
async function createWithVersion(sandbox: Sandbox, version: string): Promise<string> {
  const environment = await copyEnvironment(sandbox);
  const manifest = join(environment, 'node_modules', 'sessapp', 'package.json');
  const content = await readJson(manifest);
  // Replace the file: it is a link to a file that other tests use.
  await rm(manifest);
  await writeFile(manifest, JSON.stringify({ ...content, version }));
  return environment;
}

test('an activated environment runs its own copy of sessapp anywhere, and npx does so inside it', async () => {
  const sandbox = new Sandbox();
  const environment = await createWithVersion(sandbox, '9.9.9');
  const script = '. "$0/bin/activate" && cd / && command -v sessapp && sessapp --version';
  const activated = await finish(sandbox.spawn('sh', ['-c', script, environment]));
  const own = join(environment, 'node_modules', '.bin', 'sessapp');
  expect(activated).toMatchObject({ exitCode: 0, stdout: `${own}\n9.9.9\n` });
  const npx = await finish(sandbox.spawn('npx', ['--offline', 'sessapp', '--version'], { cwd: environment }));
  expect(npx).toMatchObject({ exitCode: 0, stdout: '9.9.9\n' });
});

test('a git clone that converts line endings to CRLF can be activated, and has an intact carried package', async () => {
  const sandbox = new Sandbox();
  const made = await sandbox.sessapp(['init', 'myenv', '--no-install', '--git']);
  expect(made).toMatchObject({ exitCode: 0 });
  const git = (...args: string[]): Buffer => {
    const identity = ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com', '-c', 'core.autocrlf=true'];
    const env = { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' };
    return execFileSync('git', [...identity, ...args], { cwd: sandbox.directory, env, stdio: 'pipe' });
  };
  git('-C', 'myenv', 'commit', '--quiet', '--message', 'Begin');
  git('clone', '--quiet', 'myenv', 'clone');

  const scripts = (await readdir(sandbox.path('clone', 'bin'))).filter((name) => name.startsWith('activate'));
  for (const name of scripts.filter((name) => !name.endsWith('.bat')))
    expect([name, (await readFile(sandbox.path('clone', 'bin', name), 'utf8')).includes('\r')]).toEqual([name, false]);
  expect(await readFile(sandbox.path('clone', 'app.js'), 'utf8')).toContain('\r\n');
  const [carried = ''] = await readdir(sandbox.path('myenv', '.sessapp'));
  const [original, cloned] = ['myenv', 'clone'].map((name) => readFile(sandbox.path(name, '.sessapp', carried)));
  expect((await cloned)?.equals((await original) as Buffer)).toBe(true);

  const script = '. ./bin/activate && printenv SESSAPP_ENV && deactivate';
  const activated = await finish(sandbox.spawn('sh', ['-c', script], { cwd: sandbox.path('clone') }));
  expect(activated).toMatchObject({ exitCode: 0, stdout: `${sandbox.path('clone')}\n`, stderr: '' });
});

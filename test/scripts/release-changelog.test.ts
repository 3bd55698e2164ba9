import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { finish, type Result, repository, Sandbox } from '../support/sandbox.ts';

/** A git repository with this changelog, and with the part of the project that a release needs. */
async function makeProject(changelog: string): Promise<(file: string, ...args: string[]) => Promise<Result>> {
  const sandbox = new Sandbox();
  const cwd = sandbox.directory;
  const { scripts } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const { preversion, version } = scripts;
  const project = { name: 'project', version: '1.0.0', type: 'module', scripts: { preversion, version } };
  await writeFile(sandbox.path('package.json'), JSON.stringify(project));
  await writeFile(sandbox.path('CHANGELOG.md'), changelog);
  await mkdir(sandbox.path('scripts'));
  const script = join('scripts', 'release-changelog.js');
  await cp(join(repository, script), sandbox.path(script));
  const run = (file: string, ...args: string[]) => finish(sandbox.spawn(file, args, { cwd }));
  await run('git', 'init', '--quiet');
  await run('git', 'config', 'user.name', 'ann');
  await run('git', 'config', 'user.email', 'ann@example.com');
  await run('git', 'add', '.');
  await run('git', 'commit', '--quiet', '--message=begin');
  return run;
}

test('npm version moves the unreleased entries to the new version, in the commit that it tags', async () => {
  const run = await makeProject(
    '# Changelog\n\n## Unreleased\n\n- It is faster.\n\n## 1.0.0 - 2026-01-01\n\n- It runs.\n',
  );
  expect(await run('npm', 'version', 'minor')).toMatchObject({ exitCode: 0 });
  const { stdout } = await run('git', 'show', 'v1.1.0:CHANGELOG.md');
  const today = new Date().toISOString().slice(0, 10);
  expect(stdout).toBe(
    `# Changelog\n\n## Unreleased\n\n## 1.1.0 - ${today}\n\n- It is faster.\n\n## 1.0.0 - 2026-01-01\n\n- It runs.\n`,
  );
  expect((await run('git', 'status', '--porcelain')).stdout).toBe('');
});

test.each([
  ['an empty section', '# Changelog\n\n## Unreleased\n\n## 1.0.0 - 2026-01-01\n\n- It runs.\n'],
  ['an empty last section', '# Changelog\n\n## Unreleased\n'],
  ['no section', '# Changelog\n\n## 1.0.0 - 2026-01-01\n\n- It runs.\n'],
])('npm version changes nothing when there is nothing new: %s', async (_, changelog) => {
  const run = await makeProject(changelog);
  const { exitCode, stderr } = await run('npm', 'version', 'minor');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('CHANGELOG.md has no entry under "Unreleased".');
  expect((await run('git', 'status', '--porcelain')).stdout).toBe('');
  expect((await run('git', 'tag')).stdout).toBe('');
});

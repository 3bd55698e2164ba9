import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { diagnose, editJson, type Finding, follow } from '../cli/doctor/support.ts';
import { Sandbox } from '../support/sandbox.ts';

const packagesOf = (environment: string): string => join(environment, 'node_modules');

// The remedies of these findings install packages from the registry.
test.each<[string, string, (environment: string, sandbox: Sandbox) => Promise<unknown>]>([
  ['node_modules was deleted', 'dependencies', (environment) => rm(packagesOf(environment), { recursive: true })],
  ['package-lock.json was deleted', 'dependencies', (environment) => rm(join(environment, 'package-lock.json'))],
  ['package.json was deleted', 'dependencies', (environment) => rm(join(environment, 'package.json'))],
  [
    'a package was deleted, and a parent directory has a copy',
    'dependencies',
    async (environment, sandbox) => {
      await mkdir(sandbox.path('node_modules'));
      await rename(join(packagesOf(environment), 'express'), sandbox.path('node_modules', 'express'));
    },
  ],
  [
    'a package is a link to a directory outside',
    'packages',
    async (environment, sandbox) => {
      await rename(join(packagesOf(environment), 'pino'), sandbox.path('pino'));
      await symlink('../../pino', join(packagesOf(environment), 'pino'));
    },
  ],
  [
    'all packages are elsewhere',
    'packages',
    async (environment, sandbox) => {
      await rename(packagesOf(environment), sandbox.path('packages'));
      await symlink('../packages', packagesOf(environment));
    },
  ],
  [
    'a package has the wrong version',
    'dependencies',
    (environment) =>
      editJson(join(packagesOf(environment), 'helmet', 'package.json'), (packageJson: { version?: string }) => {
        packageJson.version = '0.0.1';
      }),
  ],
])('when %s, doctor reports it (%s), and its command fixes it', async (_, check, damage) => {
  const sandbox = new Sandbox();
  const environment = await sandbox.environment();
  await damage(environment, sandbox);
  const { of } = await diagnose(sandbox);
  const [finding] = of(check);
  if (!finding) throw new Error('the check did not report it');
  await follow(sandbox, finding);
  // In a new process: Node.js caches which packages it did not find.
  const { stdout } = await sandbox.sessapp(['doctor', 'myenv', '--json']);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
});

import { access, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collect } from '../support/output.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, isAlive, request, serve, waitFor } from '../support/server.ts';

const readText = (...path: string[]): Promise<string> => readFile(join(...path), 'utf8');

test('for a package that the registry does not have, install prints npm’s error, exits with 1 and changes nothing', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const names = ['package.json', 'package-lock.json', 'node_modules/.package-lock.json'];
  const contents = () => Promise.all(names.map((name) => readText(environment, name)));
  const before = await contents();
  const result = await sandbox.sessapp(['install', '-e', environment, 'is-number@999.0.0']);
  expect(result).toMatchObject({ exitCode: 1, stdout: '' });
  expect(result.stderr).toMatch(/error: npm failed:\n {2}.*No matching version found for is-number@999\.0\.0/);
  expect(await contents()).toEqual(before);
  expect((await sandbox.sessapp(['info', environment])).stdout).toMatch(/dependencies +ready/);
  const folder = await sandbox.sessapp(['install', '-e', environment, './nowhere']);
  expect(folder).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(sandbox.path('nowhere')) });
});

test('only the environment decides what is installed, not a parent workspace, a parent .npmrc or NODE_PATH', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const workspace = JSON.stringify({ name: 'top', private: true, workspaces: ['myenv'] });
  await writeFile(sandbox.path('package.json'), workspace);
  await writeFile(sandbox.path('.npmrc'), 'registry=http://127.0.0.1:1/\n');
  await sandbox.spawn('rm', ['-rf', join(environment, 'node_modules')]);
  await waitFor(async () => !(await readdir(environment)).includes('node_modules'));
  const env = { NODE_PATH: sandbox.path(), NODE_ENV: 'production', npm_config_workspace: 'myenv' };
  const result = await sandbox.sessapp(['install', '-e', environment], { env });
  expect(result.exitCode, result.stderr).toBe(0);
  expect((await readdir(sandbox.directory)).sort()).toEqual(['.npmrc', 'myenv', 'package.json']);
  expect((await sandbox.sessapp(['info', environment])).stdout).toMatch(/dependencies +ready/);
});

test.each(['SIGKILL', 'SIGINT'] as const)(
  'after %s during a restore, the installed packages are unchanged, and the next run cleans up',
  async (signal) => {
    const sandbox = new Sandbox();
    const environment = await copyEnvironment(sandbox);
    await writeFile(join(environment, 'node_modules', 'kept'), '');
    const child = sandbox.start(['install', '-e', environment]);
    const output = collect(child);
    const isStaging = (name: string) => name.startsWith('.sessapp-staging-');
    const staging = await waitFor(async () => (await readdir(environment)).find(isStaging));
    const isBegun = () =>
      access(join(environment, staging, 'node_modules')).then(
        () => true,
        () => false,
      );
    await waitFor(isBegun);
    child.kill(signal);
    const [exitCode] = await output.ended;
    expect(exitCode).toBe(signal === 'SIGINT' ? 130 : null);
    expect(isAlive(child.pid ?? 0)).toBe(false);
    expect(await readdir(join(environment, 'node_modules'))).toContain('kept');
    expect((await readdir(environment)).some(isStaging)).toBe(signal === 'SIGKILL');
    const { url, child: server } = await serve(sandbox, environment);
    expect((await request(url)).status).toBe(200);
    server.kill('SIGTERM');
    expect((await sandbox.sessapp(['install', '-e', environment])).exitCode).toBe(0);
    expect((await readdir(environment)).filter((name) => name.startsWith('.sessapp-'))).toEqual([]);
    expect(await readdir(join(environment, 'node_modules'))).not.toContain('kept');
  },
);

test('after SIGKILL during the install of a package, info reports missing dependencies, and install fixes them', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const child = sandbox.start(['install', '-e', environment, 'is-number@7.0.0']);
  const installed = join(environment, 'node_modules');
  await waitFor(async () => (await readdir(installed)).includes('.package-lock.json.before') || undefined);
  child.kill('SIGKILL');
  await collect(child).ended;
  const info = await sandbox.sessapp(['info', environment, '--json']);
  expect(JSON.parse(info.stdout)).toMatchObject({ dependencies: 'dependencies-missing' });
  expect((await sandbox.sessapp(['install', '-e', environment])).exitCode).toBe(0);
  const after = await sandbox.sessapp(['info', environment, '--json']);
  expect(JSON.parse(after.stdout)).toMatchObject({ dependencies: 'ready' });
});

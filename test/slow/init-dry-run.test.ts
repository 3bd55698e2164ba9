import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { copySharedCache } from '../support/cache.ts';
import { invoke } from '../support/in-process.ts';
import { collect } from '../support/output.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, waitFor } from '../support/server.ts';

const sharedCache = process.env.SESSAPP_CACHE_DIR ?? '';

/** The lines of `init --dry-run` about the dependencies. */
async function plan(sandbox: Sandbox, cache: string, ...options: string[]): Promise<string[]> {
  const before = await readdir(sandbox.directory, { recursive: true });
  const { exitCode, stdout } = await invoke(sandbox.directory, ['init', 'myenv', '--dry-run', ...options], {
    SESSAPP_CACHE_DIR: cache,
  });
  expect(exitCode).toBe(0);
  expect(await readdir(sandbox.directory, { recursive: true })).toEqual(before);
  return stdout.split('\n').filter((line) => line.includes('dependencies'));
}

async function copyCache(sandbox: Sandbox): Promise<string> {
  await copySharedCache(sandbox.path('cache'));
  return sandbox.path('cache');
}

const fromSnapshot = ['Would install the dependencies from a snapshot'];
const withNpm = ['Would install the dependencies with npm'];

test('a dry run names the snapshot if there is one', async () => {
  const sandbox = new Sandbox();
  expect(await plan(sandbox, sharedCache)).toEqual(fromSnapshot);
  expect(await plan(sandbox, await copyCache(sandbox), '--offline')).toEqual(fromSnapshot);
  await mkdir(sandbox.path('myenv'));
  expect(await plan(sandbox, sharedCache)).toEqual(fromSnapshot);
  expect(await plan(sandbox, sharedCache, '--no-install')).toEqual([]);
});

test('a dry run names npm if the snapshot is missing or damaged', async () => {
  const sandbox = new Sandbox();
  expect(await plan(sandbox, sandbox.path('missing'))).toEqual(withNpm);
  expect(await plan(sandbox, sandbox.path('missing'), '--offline')).toEqual([`${withNpm}, from its cache`]);
  const cache = await copyCache(sandbox);
  for (const key of await readdir(join(cache, 'snapshots')))
    await rm(join(cache, 'snapshots', key, 'tree', 'express'), { recursive: true, force: true });
  expect(await plan(sandbox, cache)).toEqual(withNpm);
  expect(await plan(sandbox, cache, '--store', 'redis', '--store-url', 'redis://localhost:6379')).toEqual(withNpm);
});

test('a dry run on a directory with a package.json names the source of the packages, if any are to be installed', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await rm(join(environment, 'sessapp.json'));
  expect(await plan(sandbox, sharedCache, '--allow-existing')).toEqual([]);
  await rm(join(environment, 'node_modules'), { recursive: true });
  expect(await plan(sandbox, sharedCache, '--allow-existing')).toEqual(fromSnapshot);
  await writeFile(join(environment, '.npmrc'), 'omit[]=optional\n');
  expect(await plan(sandbox, sharedCache, '--allow-existing')).toEqual(withNpm);
  await rm(join(environment, 'package-lock.json'));
  expect(await plan(sandbox, sharedCache, '--allow-existing')).toEqual(withNpm);
});

test('init --serve prints the summary and the activation command, but not the serve command', async () => {
  const sandbox = new Sandbox();
  const child = sandbox.start(['init', 'myenv', '--serve'], { env: { PORT: '0' } });
  const output = collect(child);
  await waitFor(() => output.stderr().includes('runs at'));
  child.kill('SIGINT');
  expect(await output.ended).toEqual([0, null]);
  const text = output.stdout() + output.stderr();
  expect(text).toMatch(/Made the environment myenv .*\nNext, in another terminal:\n {2}\S+ myenv\/bin\/activate\S*\n/);
  expect(text).not.toContain('sessapp serve');
});

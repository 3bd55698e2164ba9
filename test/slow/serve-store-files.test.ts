import { cp, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, request, serveInBackground, startPlain, waitFor } from '../support/server.ts';

const isReady = async (url: string): Promise<boolean> => (await request(`${url}/readyz`)).status === 200;

async function replace(directory: string, backup: string): Promise<void> {
  const path = join(directory, 'data', 'sessions');
  await rm(path, { recursive: true });
  await mkdir(path);
  await cp(backup, join(path, 'data.mdb'));
}

test.each<[string, (directory: string, backup: string) => Promise<void>]>([
  ['removed', (directory) => rm(join(directory, 'data', 'sessions'), { recursive: true })],
  ['replaced by a backup', replace],
  [
    'replaced, and moved elsewhere',
    async (directory, backup) => {
      await rename(join(directory, 'data', 'sessions'), join(directory, 'data', 'old'));
      await mkdir(join(directory, 'data', 'sessions'));
      await cp(backup, join(directory, 'data', 'sessions', 'data.mdb'));
    },
  ],
  ['left without their lock file', (directory) => rm(join(directory, 'data', 'sessions', 'lock.mdb'))],
])('a running server notices that its store files were %s, and no command uses the other files', async (_, change) => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const { url } = await serveInBackground(sandbox, directory);
  await request(`${url}/`);
  const backup = sandbox.path('backup.mdb');
  expect(await sandbox.sessapp(['store', 'backup', backup, '-e', directory])).toMatchObject({ exitCode: 0 });
  expect(await isReady(url)).toBe(true);

  await change(directory, backup);
  expect(await isReady(url)).toBe(false);
  const log = join(directory, 'data', 'server.log');
  await waitFor(async () => (await readFile(log, 'utf8')).includes('were removed or replaced while the server runs'));
  const refused = await sandbox.sessapp(['sessions', 'destroy', '--all', '--yes', '--json', '-e', directory]);
  expect(refused.exitCode).toBe(1);
  expect(JSON.parse(refused.stdout).error.code).toBe('server-not-ready');

  expect(await sandbox.sessapp(['stop', directory])).toMatchObject({ exitCode: 0 });
  const again = await serveInBackground(sandbox, directory);
  expect(await isReady(again.url)).toBe(true);
});

test('a server whose environment is moved keeps its store files, and stays ready', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const { url } = await startPlain(sandbox, directory);
  const { cookie } = await request(`${url}/`);
  await rename(directory, sandbox.path('moved'));
  expect(await isReady(url)).toBe(true);
  expect((await request(`${url}/profile`, { Cookie: cookie })).body).toContain('guest');
});

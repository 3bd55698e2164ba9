import { execFile } from 'node:child_process';
import { mkdtempSync, statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { open as openLmdb } from 'lmdb';
import { expect, onTestFinished, test } from 'vitest';
import { open } from '../../templates/stores/embedded/embedded.ts';
import { repository } from '../support/sandbox.ts';
import { describeDriver } from './contract.ts';

const createDirectory = (): string => mkdtempSync(join(tmpdir(), 'sessapp-embedded-'));
const remove = (directory: string): Promise<void> => rm(directory, { recursive: true, force: true });

describeDriver('embedded', () => {
  const dataDirectory = createDirectory();
  return { open: () => open({ dataDirectory }), remove: () => remove(dataDirectory) };
});

test('the embedded store can be read by its user alone', async () => {
  const dataDirectory = createDirectory();
  onTestFinished(() => remove(dataDirectory));
  const driver = await open({ dataDirectory });
  await driver.create('a', { data: '{}', createdAtMs: 1, seenAtMs: 1, expiresAtMs: 2 });
  await driver.close();
  const directory = join(dataDirectory, 'sessions');
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  for (const name of await readdir(directory)) expect(statSync(join(directory, name)).mode & 0o077).toBe(0);
});

test('bytes that are no record are given as one without data, and can be set aside and pruned', async () => {
  const dataDirectory = createDirectory();
  onTestFinished(() => remove(dataDirectory));
  const driver = await open({ dataDirectory });
  await driver.create('a', { data: '{}', createdAtMs: 1, seenAtMs: 1, expiresAtMs: 2 });
  const root = openLmdb({ path: join(dataDirectory, 'sessions') });
  await root.openDB<Buffer, string>({ name: 'records', encoding: 'binary' }).put('a', Buffer.from([0xc1, 0xff, 0x91]));
  expect(await driver.read('a')).toEqual({ key: 'a' });
  await driver.setAside('a');
  expect(await driver.read('a')).toBeUndefined();
  expect(await driver.prune(10, 10)).toBe(1);
  expect(await driver.prune(10, 10)).toBe(0);
  await root.close();
  await driver.close();
});

test('what a process acknowledged is there for another one after a kill -9', async () => {
  const dataDirectory = createDirectory();
  onTestFinished(() => remove(dataDirectory));
  const writer = `
    const { open } = await import(process.argv[1]);
    const driver = await open({ dataDirectory: process.argv[2] });
    for (let n = 0; n < 20; n++) {
      await driver.create('k' + n, { data: String(n), createdAtMs: 1, seenAtMs: 1, expiresAtMs: 2 });
    }
    process.kill(process.pid, 'SIGKILL');`;
  const file = join(repository, 'dist', 'templates', 'stores', 'embedded', 'embedded.js');
  const args = ['--input-type=module', '--eval', writer, file, dataDirectory];
  await expect(promisify(execFile)(process.execPath, args)).rejects.toMatchObject({ signal: 'SIGKILL' });
  const driver = await open({ dataDirectory });
  for (let n = 0; n < 20; n++) expect(await driver.read(`k${n}`)).toMatchObject({ data: String(n) });
  await driver.close();
});

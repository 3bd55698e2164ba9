import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

import type { Driver } from '../../src/stores/driver.ts';
import { Commits } from '../../src/stores/embedded/commits.ts';
import { open } from '../../src/stores/embedded/driver.ts';
import { embedded } from '../../src/stores/embedded/index.ts';
import { openShared } from '../../src/stores/embedded/shared.ts';
import { memory } from '../../src/testing/index.ts';
import { record } from '../stores/contract-support.ts';
import { finish, repository } from '../support/sandbox.ts';

const module = join(repository, 'dist', 'stores', 'embedded', 'driver.js');

function createDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sessapp-processes-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

// A process that closes the lock file releases all its locks on it, so a separate process reads and writes the file.
const program = `
  const { openSync, readSync, writeSync } = require('node:fs');
  const file = openSync(process.argv[1] + '/lock.mdb', 'r+');
  const number = Buffer.alloc(8);
  readSync(file, number, 0, 8, 8);
  number.writeBigUInt64LE(number.readBigUInt64LE() - BigInt(process.argv[2]));
  writeSync(file, number, 0, 8, 8);
  console.log(String(number.readBigUInt64LE()));`;

/** Simulates a process in which LMDB opens the store while another process commits. Returns the number that it writes. */
const takeBack = (directory: string, by: number): number =>
  Number(execFileSync(process.execPath, ['--eval', program, directory, `${by}`], { encoding: 'utf8' }));
const numberOf = (directory: string): number => takeBack(directory, 0);

test.each([1, 2])(
  'a process that opens the store and sets the commit number back by %i overwrites no commit',
  async (by) => {
    const directory = createDirectory();
    const driver = await open(directory);
    for (let n = 0; n < 10; n += 1) {
      expect(await driver.create(`a${n}`, record())).toBe(true);
      expect(await driver.update(`a${n}`, 1, record())).toBe(true);
      const after = takeBack(directory, by);
      const written = [driver.create(`b${n}`, record()), driver.create(`c${n}`, record()), driver.delete(`a${n - 1}`)];
      expect((await Promise.all(written)).slice(0, 2)).toEqual([true, true]);
      expect(numberOf(directory)).toBeGreaterThan(after + by);
    }
    const versions: [string, number][] = [];
    for await (const { key, version } of driver.list({ prefix: '' })) versions.push([key, version]);
    const expected: [string, number][] = [['a9', 2]];
    for (let n = 0; n < 10; n += 1) expected.push([`b${n}`, 1], [`c${n}`, 1]);
    expect(versions.sort()).toEqual(expected.sort());
    await driver.close();
  },
);

test('a process corrects the commit number if another process commits while it opens the store', async () => {
  const directory = createDirectory();
  const driver = await open(directory);
  await driver.create('a', record());
  const commits = new Commits(directory);
  onTestFinished(() => commits.close());
  const before = numberOf(directory);
  const job = `
    const driver = await (await import(process.argv[1])).open(process.argv[2]);
    await driver.create('b', ${JSON.stringify(record())});
    await driver.close();`;
  const opened = commits.keep(() => {
    execFileSync(process.execPath, ['--input-type=module', '--eval', job, module, directory]);
    expect(takeBack(directory, 1)).toBe(before);
    return 'opened';
  });
  expect(opened).toBe('opened');
  expect(numberOf(directory)).toBe(before + 1);
  expect(await driver.read('b')).toMatchObject({ version: 1 });
  await driver.close();
});

test('processes that constantly open and close the store have no failures and lose nothing', async () => {
  const directory = createDirectory();
  const job = `
    const { open } = await import(process.argv[1]);
    for (let n = 0; n < 60; n += 1) {
      const driver = await open(process.argv[2]);
      await driver.create(process.pid + '-' + n, ${JSON.stringify(record())});
      await driver.close();
    }`;
  const start = (): ReturnType<typeof finish> =>
    finish(spawn(process.execPath, ['--input-type=module', '--eval', job, module, directory]));
  const ends = await Promise.all([start(), start(), start(), start()]);
  for (const { exitCode, stderr } of ends) expect([exitCode, stderr]).toEqual([0, '']);
  const driver = await open(directory);
  let count = 0;
  for await (const _ of driver.list({})) count += 1;
  expect(count).toBe(240);
  await driver.close();
  expect((await readdir(directory)).sort()).toEqual(['data.mdb', 'lock.mdb']);
});

test('writes wait for a process that opens the store', async () => {
  const directory = createDirectory();
  const driver = await open(directory);
  const opening = join(directory, 'opening');
  await writeFile(opening, '');
  let isWritten = false;
  const writes = Promise.all([driver.create('a', record()), driver.create('b', record())]).finally(() => {
    isWritten = true;
  });
  await wait(100);
  expect(isWritten).toBe(false);
  expect(await driver.read('a')).toBeUndefined();
  await rm(opening);
  expect(await writes).toEqual([true, true]);
  await driver.close();
});

test('a process that was killed while it opened the store blocks writes and other processes only for a short time', async () => {
  const directory = createDirectory();
  const driver = await open(directory);
  const opening = join(directory, 'opening');
  await writeFile(opening, '');
  expect(await driver.create('a', record())).toBe(true);
  expect(existsSync(opening)).toBe(false);
  await writeFile(opening, '');
  const job = 'await (await (await import(process.argv[1])).open(process.argv[2])).close();';
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', job, module, directory]);
  expect(existsSync(opening)).toBe(false);
  await driver.close();
});

test('a store that is closed during a backup closes after the backup, and the copy is complete', async () => {
  const directory = createDirectory();
  const copies = createDirectory();
  const job = `
    const driver = await (await import(process.argv[1])).open(process.argv[2]);
    const record = ${JSON.stringify(record({ data: JSON.stringify('x'.repeat(5000)) }))};
    await Promise.all(Array.from({ length: 5000 }, (_, n) => driver.create('k' + n, record)));
    const copied = driver.backup(process.argv[3]);
    setTimeout(() => driver.close(), 3);
    await copied;`;
  const args = ['--input-type=module', '--eval', job, module, directory, join(copies, 'data.mdb')];
  const { exitCode, signal, stderr } = await finish(spawn(process.execPath, args));
  expect([exitCode, signal, stderr]).toEqual([0, null, '']);
  const copy = await open(copies);
  let count = 0;
  for await (const _ of copy.list({})) count += 1;
  expect(count).toBe(5000);
  await copy.close();
});

test('a store whose directory was moved while it was open continues to work, and closes', async () => {
  const directory = createDirectory();
  const driver = await open(directory);
  await driver.create('a', record());
  const moved = `${directory}-moved`;
  await rename(directory, moved);
  onTestFinished(() => rm(moved, { recursive: true, force: true }));
  expect(takeBack(moved, 1)).toBeGreaterThan(0);
  expect(await driver.create('b', record())).toBe(true);
  await driver.close();
  const again = await open(moved);
  expect([await again.read('a'), await again.read('b')]).toMatchObject([{ key: 'a' }, { key: 'b' }]);
  await again.close();
});

test('all users of a directory in a process share one driver, which closes with the last user', async () => {
  const seen: string[] = [];
  const openNext = async (path: string): Promise<Driver> => {
    seen.push(`open ${path}`);
    const close = async (): Promise<void> => {
      await wait(20);
      seen.push(`close ${path}`);
    };
    return { ...memory(), close };
  };
  const [one, two, other] = await Promise.all(['/a', '/a', '/b'].map((path) => openShared(path, openNext)));
  await one?.create('k', record());
  expect(await two?.read('k')).toMatchObject({ version: 1 });
  expect(await other?.read('k')).toBeUndefined();
  await Promise.all([two?.close(), two?.close()]);
  expect(seen).toEqual(['open /a', 'open /b']);
  const [, three] = await Promise.all([one?.close(), openShared('/a', openNext)]);
  expect(seen).toEqual(['open /a', 'open /b', 'close /a', 'open /a']);
  expect(await three.read('k')).toBeUndefined();
  await Promise.all([three.close(), other?.close()]);
});

test('after a failure, the next call opens the directory again', async () => {
  const fail = (): Promise<Driver> => Promise.reject(new Error('no room'));
  await expect(openShared('/c', fail)).rejects.toThrow('no room');
  await (await openShared('/c', async () => memory())).close();
});

test('two stores of one directory work beside other processes, and close one by one', async () => {
  const directory = createDirectory();
  const [one, two] = [embedded({ directory }), embedded({ directory })];
  expect(await one.create('a', record())).toBe(true);
  expect(await two.update('a', 1, record())).toBe(true);
  await two.close();
  const job = 'await (await (await import(process.argv[1])).open(process.argv[2])).close();';
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', job, module, directory]);
  expect(await one.create('b', record())).toBe(true);
  expect(await one.read('a')).toMatchObject({ version: 2 });
  await one.close();
});

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { open as openLmdb } from 'lmdb';
import { expect, onTestFinished, test } from 'vitest';
import { verifyWhole } from '../../src/stores/embedded/damage.ts';
import { open } from '../../src/stores/embedded/driver.ts';
import { finish, repository } from '../support/sandbox.ts';
import { describeDriver } from './contract.ts';
import { record } from './contract-support.ts';

const createDirectory = (): string => mkdtempSync(join(tmpdir(), 'sessapp-embedded-'));
const remove = (directory: string): Promise<void> => rm(directory, { recursive: true, force: true });

describeDriver('embedded', () => {
  const directory = createDirectory();
  const module = join(repository, 'dist', 'stores', 'embedded', 'driver.js');
  return {
    open: () => open(directory),
    remove: () => remove(directory),
    module,
    args: [directory],
  };
});

test('only its user can read the embedded store', async () => {
  const directory = createDirectory();
  onTestFinished(() => remove(directory));
  const driver = await open(directory);
  await driver.create('a', { data: '{}', createdAtMs: 1, seenAtMs: 1, expiresAtMs: 2 });
  await driver.close();
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  for (const name of await readdir(directory)) expect(statSync(join(directory, name)).mode & 0o077).toBe(0);
});

test.each([
  ['text', 'hello'],
  ['zeros', Buffer.alloc(70_000)],
  ['noise', randomBytes(70_000)],
])('a file of %s instead of the store is an error, and is not changed', async (_, content) => {
  const directory = createDirectory();
  onTestFinished(() => remove(directory));
  const path = join(directory, 'data.mdb');
  await writeFile(path, content);
  await expect(open(directory)).rejects.toThrow(/data\.mdb is damaged/);
  expect(await readFile(path)).toEqual(Buffer.from(content));
});

/** Creates a closed store whose last pages are in use. Returns the path of its file. */
async function createFile(directory: string): Promise<string> {
  const driver = await open(directory);
  const data = 'x'.repeat(1000);
  for (let n = 0; n < 40; n += 1) await driver.create(`k${n}`, record({ data, owner: 'ann' }));
  await driver.create('large', record({ data: data.repeat(200) }));
  await driver.close();
  return join(directory, 'data.mdb');
}

test.each<[string, (size: number) => number]>([
  ['at its first byte', () => 1],
  ['in its first page', () => 100],
  ['before its second page', () => 4096],
  ['in its second page', () => 4200],
  ['after its second page', () => 8192],
  ['after its third page', () => 12_288],
  ['in its middle', (size) => size / 2],
  ['in the middle of a page', (size) => Math.floor(size / 3) + 1],
  ['before its last page', (size) => size - 4096],
  ['before its last byte', (size) => size - 1],
])('a file that was truncated %s is an error that says so, and is not changed', async (_, lengthOf) => {
  const directory = createDirectory();
  onTestFinished(() => remove(directory));
  const path = await createFile(directory);
  const { size } = statSync(path);
  const length = Math.floor(lengthOf(size));
  await truncate(path, length);
  const fault =
    length < 8192 ? 'it is not an LMDB file|bytes are missing' : `${size - length} bytes are missing from its end`;
  await expect(open(directory)).rejects.toThrow(new RegExp(`data\\.mdb is damaged: (${fault})$`));
  expect(statSync(path).size).toBe(length);
});

test('a file without its last pages is intact if they are not in use', async () => {
  const directory = createDirectory();
  onTestFinished(() => remove(directory));
  const path = await createFile(directory);
  const driver = await open(directory);
  // In one commit: LMDB does not write data that is created and deleted in the same commit.
  const data = 'x'.repeat(300_000);
  await Promise.all([
    ...[1, 2, 3].map((n) => driver.create(`gone${n}`, record({ data }))),
    ...[1, 2, 3].map((n) => driver.delete(`gone${n}`)),
  ]);
  await driver.close();
  const pages = await readFile(path);
  const lastPages = [0, 4096].map((meta) => Number(pages.readBigUInt64LE(meta + 144)));
  expect(pages.length).toBeLessThan(Math.max(...lastPages) * 4096);
  const again = await open(directory);
  expect(await again.read('large')).toBeDefined();
  expect(await again.create('more', record({ data }))).toBe(true);
  await again.close();
});

test('a new file that several processes create, write and grow is never refused', async () => {
  const module = join(repository, 'dist', 'stores', 'embedded', 'driver.js');
  const program = `
    const { open } = await import(process.argv[1]);
    const end = Date.now() + 1500;
    for (let n = 0; Date.now() < end; n += 1) {
      const driver = await open(process.argv[2]);
      const key = (m) => process.pid + '-' + (n % 7) + '-' + m;
      const record = { createdAtMs: 1, seenAtMs: 1, expiresAtMs: 4e12 };
      const write = (m) => [
        driver.create(key(m), { ...record, data: 'x'.repeat(Math.random() * 50000) }),
        ...(Math.random() < 0.5 ? [driver.delete(key(m))] : []),
      ];
      for (let round = 0; round < 3; round += 1) await Promise.all([1, 2, 3].flatMap(write));
      await driver.close();
    }`;
  const args = ['--input-type=module', '--eval', program, module];
  for (let round = 0; round < 2; round += 1) {
    const directory = createDirectory();
    onTestFinished(() => remove(directory));
    const path = join(directory, 'data.mdb');
    const children = [1, 2, 3].map(() => spawn(process.execPath, [...args, directory]));
    const ends = Promise.all(children.map(finish));
    let isOver = false;
    void ends.then(() => {
      isOver = true;
    });
    let looks = 0;
    for (; !isOver; looks += 1) {
      if (existsSync(path) && statSync(path).size > 0) await verifyWhole(path);
      else await turn();
    }
    for (const { exitCode, stderr } of await ends) expect([exitCode, stderr]).toEqual([0, '']);
    expect(looks).toBeGreaterThan(100);
  }
});

test('an empty file, as a full disk may leave it, becomes a new store', async () => {
  const directory = createDirectory();
  onTestFinished(() => remove(directory));
  await writeFile(join(directory, 'data.mdb'), '');
  const driver = await open(directory);
  expect(await driver.create('a', record())).toBe(true);
  await driver.close();
  expect((await readdir(directory)).sort()).toEqual(['data.mdb', 'lock.mdb']);
});

test('calls before a close still resolve', async () => {
  const directory = createDirectory();
  onTestFinished(() => remove(directory));
  const driver = await open(directory);
  await driver.create('a', record());
  const asked = [driver.read('a'), driver.read('b')];
  await driver.close();
  const [a, b] = await Promise.all(asked);
  expect(a).toMatchObject({ key: 'a', version: 1 });
  expect(b).toBeUndefined();
  await expect(driver.read('a')).rejects.toThrow();
});

test('eight processes that open a new store at the same time open the same store', async () => {
  const directory = createDirectory();
  onTestFinished(() => remove(directory));
  const drivers = await Promise.all(Array.from({ length: 8 }, () => open(directory)));
  expect((await readdir(directory)).sort()).toEqual(['data.mdb', 'lock.mdb']);
  await Promise.all(drivers.map((driver, n) => driver.create(`k${n}`, record())));
  for (const driver of drivers) for (let n = 0; n < 8; n++) expect(await driver.read(`k${n}`)).toBeDefined();
  await Promise.all(drivers.map((driver) => driver.close()));
});

test('a list that is read slowly does not block the reuse of space', async () => {
  const directory = createDirectory();
  onTestFinished(() => remove(directory));
  const driver = await open(directory);
  const times = { createdAtMs: 1, seenAtMs: 1, expiresAtMs: 2 };
  const data = 'x'.repeat(2000);
  const keys = Array.from({ length: 200 }, (_, n) => `k${n}`);
  await Promise.all(keys.map((key) => driver.create(key, { data, ...times })));
  const before = statSync(join(directory, 'data.mdb')).size;
  let version = 0;
  for await (const _ of driver.list({ limit: 30 })) {
    version += 1;
    await Promise.all(keys.map((key) => driver.update(key, version, { data, ...times })));
  }
  expect(version).toBe(30);
  expect(statSync(join(directory, 'data.mdb')).size).toBeLessThan(before * 4);
  await driver.close();
});

test('a value that is not a record is read as a record without data, and can be set aside and pruned', async () => {
  const directory = createDirectory();
  onTestFinished(() => remove(directory));
  const driver = await open(directory);
  await driver.create('a', { data: '{}', createdAtMs: 1, seenAtMs: 1, expiresAtMs: 2 });
  const root = openLmdb({ path: directory });
  const bytes = Buffer.from([0xc1, 0xff, 0x91]);
  await root.openDB<Buffer, string>({ name: 'records', encoding: 'binary' }).put('a', bytes);
  expect(await driver.read('a')).toEqual({ key: 'a' });
  await driver.setAside('a');
  expect(await driver.read('a')).toBeUndefined();
  await driver.create('a', record({ expiresAtMs: 20 }));
  expect(await driver.prune(10, 10)).toBe(1);
  expect(await driver.read('a')).toMatchObject({ expiresAtMs: 20 });
  expect(await driver.prune(10, 10)).toBe(0);
  expect(root.openDB<Buffer, string>({ name: 'aside', encoding: 'binary' }).get('a')).toEqual(bytes);
  await root.close();
  await driver.close();
});

test('a list by key yields each permanent record once, while others are created, deleted and extended', async () => {
  const directory = createDirectory();
  onTestFinished(() => remove(directory));
  const driver = await open(directory);
  const keys = Array.from({ length: 250 }, (_, n) => `k${String(n).padStart(3, '0')}`);
  await Promise.all(keys.map((key, n) => driver.create(key, record({ expiresAtMs: 4e12 - n }))));
  const found: string[] = [];
  for await (const { key, version } of driver.list({ prefix: 'k' })) {
    found.push(key);
    await driver.touch(key, version, 1, 4e12 + found.length);
    if (key.endsWith('+')) await driver.delete(key);
    else if (found.length % 50 === 0) await driver.create(`${key}+`, record());
  }
  expect(found.filter((key) => !key.endsWith('+'))).toEqual(keys);
  await driver.close();
});

test('a backup is one new file that only its user can read, and it is a valid store', async () => {
  const directory = createDirectory();
  onTestFinished(() => remove(directory));
  const driver = await open(directory);
  await driver.create('a', record());
  await driver.create('b', record());
  await driver.setAside('b');
  const copies = join(directory, 'copies');
  await mkdir(copies);
  const file = join(copies, 'data.mdb');
  await driver.backup?.(file);
  await driver.close();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await readdir(copies)).toEqual(['data.mdb']);
  const copy = await open(copies);
  expect(await copy.read('a')).toMatchObject({ ...record(), version: 1 });
  expect(await copy.read('b')).toBeUndefined();
  expect(await copy.countSetAside?.()).toBe(1);
  await copy.close();
});

test('pruning removes the readers of killed processes, which would otherwise let the file grow', async () => {
  const directory = createDirectory();
  onTestFinished(() => remove(directory));
  const driver = await open(directory);
  await driver.create('a', record());
  const root = openLmdb({ path: directory });
  const reader = `
    import { open } from 'lmdb';
    const root = open({ path: process.argv[1] });
    root.useReadTransaction();
    process.kill(process.pid, 'SIGKILL');`;
  const args = ['--input-type=module', '--eval', reader, directory];
  const child = spawn(process.execPath, args, { cwd: repository, stdio: 'ignore' });
  await once(child, 'exit');
  const line = new RegExp(`^\\s*${child.pid} `, 'm');
  expect(root.readerList()).toMatch(line);
  await driver.prune(1, 10);
  expect(root.readerList()).not.toMatch(line);
  await root.close();
  await driver.close();
});

// LMDB calls JavaScript during a write. Whether it does so when the process exits is random.
test.each([
  ['an unhandled error', "throw new Error('oh no')", /oh no/],
  ['an unhandled rejection', "Promise.reject(new Error('oh no'))", /oh no/],
  [
    'an error that cannot be printed, because the disk is full',
    "closeSync(2); openSync('/dev/full', 'w'); throw new Error('oh no')",
    /^$/,
  ],
  ['process.exit', 'process.exit(3)', /^$/],
])(
  'a process that exits by %s during its writes does exit, and its acknowledged writes are on disk',
  async (_, end, shown) => {
    const directory = createDirectory();
    onTestFinished(() => remove(directory));
    const module = join(repository, 'dist', 'stores', 'embedded', 'driver.js');
    const program = `
    import { closeSync, openSync, writeSync } from 'node:fs';
    const { open } = await import(${JSON.stringify(pathToFileURL(module))});
    const driver = await open(${JSON.stringify(directory)});
    let count = 0;
    let acknowledged = 0;
    const write = async () => {
      for (;;) {
        const key = process.pid + '-' + count++;
        await driver.create(key, ${JSON.stringify(record())});
        writeSync(1, key + '\\n');
        if (++acknowledged === 4) setTimeout(() => { ${end} }, 20 + Math.random() * 10);
      }
    };
    for (let n = 0; n < 4; n += 1) void write();`;
    const acknowledged: string[] = [];
    for (let round = 0; round < 5; round += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { timeout: 10_000 });
      onTestFinished(() => void child.kill('SIGKILL'));
      let [output, errors] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
      // If it hangs, the timeout kills it with SIGTERM.
      expect((await once(child, 'close'))[1]).not.toBe('SIGTERM');
      expect(errors).toMatch(shown);
      acknowledged.push(...output.split('\n').filter(Boolean));
    }
    const driver = await open(directory);
    expect(acknowledged.length).toBeGreaterThanOrEqual(20);
    for (const key of acknowledged) expect(await driver.read(key)).toMatchObject({ version: 1 });
    await driver.close();
  },
);

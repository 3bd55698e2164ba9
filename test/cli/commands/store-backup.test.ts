import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { main } from '../../../src/cli/main.ts';
import { Interrupted } from '../../../src/errors.ts';
import { open } from '../../../src/stores/embedded/driver.ts';
import { fakeSystem, invoke } from '../../support/in-process.ts';
import { fill, record, stored } from '../../support/records.ts';
import { cli, repository, Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment, request, serve, serveInBackground } from '../../support/server.ts';

const sandbox = new Sandbox(afterAll);
let environment: string;
let outside: string;
let counter = 0;

beforeAll(async () => {
  environment = await copyEnvironment(sandbox);
  await fill(environment, [{ owner: 'ann' }]);
});

beforeEach(async () => {
  counter += 1;
  outside = sandbox.path(`out-${counter}`);
  await mkdir(outside);
});

const backup = (...args: string[]): ReturnType<typeof invoke> => invoke(environment, ['store', 'backup', ...args]);

test('the copy is a single file that only its user can read and that opens as a store', async () => {
  const file = join(outside, 'sessions.mdb');
  const { exitCode, stdout } = await backup(file, '--json');
  expect({ exitCode, ...JSON.parse(stdout) }).toEqual({
    exitCode: 0,
    version: 1,
    status: 'copied',
    file,
    bytes: (await stat(file)).size,
  });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(outside)).toEqual(['sessions.mdb']);
  await mkdir(join(outside, 'data', 'sessions'), { recursive: true });
  await promisify(execFile)('cp', [file, join(outside, 'data', 'sessions', 'data.mdb')]);
  expect(await stored(outside)).toEqual(await stored(environment));
});

test('an existing file is kept, and is replaced only with --force', async () => {
  const file = join(outside, 'sessions.mdb');
  await writeFile(file, 'mine', { mode: 0o644 });
  const refused = await backup(file);
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toBe(`error: ${file} exists already.\nName another file, or replace it with --force.\n`);
  expect(await readFile(file, 'utf8')).toBe('mine');
  const replaced = await backup(file, '--force');
  expect(replaced.stdout).toMatch(/ is a copy of the store of myenv \(\d\d\.\d kB\)\.\n$/);
  expect((await stat(file)).size).toBeGreaterThan(4096);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(outside)).toEqual(['sessions.mdb']);
});

test('a file that appears during the backup is kept', async () => {
  const file = join(outside, 'sessions.mdb');
  const { system, printed } = fakeSystem(() => environment, { PATH: process.env.PATH });
  const start = system.start;
  system.start = (...args) => {
    void writeFile(file, 'mine');
    return start(...args);
  };
  expect(await main(['store', 'backup', file], system)).toBe(1);
  expect(printed.stderr).toContain('exists already');
  expect(await readFile(file, 'utf8')).toBe('mine');
  expect(await readdir(outside)).toEqual(['sessions.mdb']);
});

test.each<[string, (names: { data: string; out: string }) => string, string]>([
  ['in data/', ({ data }) => join(data, 'copy.mdb'), 'backup-in-data'],
  ['deeper in data/', ({ data }) => join(data, 'sessions', 'data.mdb'), 'backup-in-data'],
  ['data/ itself', ({ data }) => data, 'backup-in-data'],
  ['behind a link into data/', ({ out }) => join(out, 'link', 'copy.mdb'), 'backup-in-data'],
  ['a directory', ({ out }) => out, 'not-a-file'],
  ['a device', () => '/dev/null', 'not-a-file'],
  ['in a missing directory', ({ out }) => join(out, 'no', 'copy.mdb'), 'no-directory'],
  ['below a file', ({ out }) => join(out, 'file', 'copy.mdb'), 'no-directory'],
])('a target %s is refused, even with --force', async (_, target, code) => {
  const data = join(environment, 'data');
  await symlink(join(data, 'sessions'), join(outside, 'link'));
  await writeFile(join(outside, 'file'), '');
  const before = await readdir(join(data, 'sessions'));
  const { exitCode, stdout } = await backup(target({ data, out: outside }), '--force', '--json');
  expect({ exitCode, code: JSON.parse(stdout).error.code }).toEqual({ exitCode: 1, code });
  expect(await readdir(join(data, 'sessions'))).toEqual(before);
  expect((await readdir(outside)).sort()).toEqual(['file', 'link']);
});

test('a backup is refused while sessions move to another store', async () => {
  const moving = await copyEnvironment(sandbox, 'moving');
  const marker = join(moving, 'sessapp.json');
  const migration = { from: 'embedded', to: 'redis', phase: 'move' };
  await writeFile(marker, JSON.stringify({ ...JSON.parse(await readFile(marker, 'utf8')), migration }));
  const { exitCode, stderr } = await invoke(moving, ['store', 'backup', join(outside, 'copy.mdb')]);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/in two stores until their move from embedded to redis is finished\.\n.*store migrate redis/);
  expect(await readdir(outside)).toEqual([]);
});

test('a store that is not a file in the environment has no backup', async () => {
  const other = await copyEnvironment(sandbox, 'other');
  await fill(other, [{}]);
  const driver = join(other, 'node_modules', 'sessapp', 'dist', 'stores', 'embedded', 'driver.js');
  // The file is hard-linked to other environments.
  await rm(driver);
  await writeFile(driver, 'export const open = async () => ({ close: async () => {}, ping: async () => {} });');
  const { exitCode, stderr } = await invoke(other, ['store', 'backup', join(outside, 'copy.mdb')]);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(
    /The embedded store is not a file in the environment.*\nBack it up with the tools of embedded\.\n$/,
  );
  expect(await readdir(outside)).toEqual([]);
});

test('an interrupted backup leaves no file behind', async () => {
  const { system, printed } = fakeSystem(() => environment, { PATH: process.env.PATH });
  const controller = new AbortController();
  const start = system.start;
  system.catchInterrupts = () => controller.signal;
  system.start = (...args) => {
    setTimeout(() => controller.abort(new Interrupted('SIGTERM')), 1);
    return start(...args);
  };
  expect(await main(['store', 'backup', join(outside, 'copy.mdb')], system)).toBe(143);
  expect(printed.stderr).toContain('Interrupted by SIGTERM.');
  expect(await readdir(outside)).toEqual([]);
});

test('a copy during writes is consistent: it has all writes of each writer up to one point', async () => {
  const busy = sandbox.path('busy');
  await promisify(execFile)('cp', ['-a', environment, busy]);
  await fill(busy, []);
  const driver = await open(join(busy, 'data', 'sessions'));
  let isDone = false;
  const write = async (name: string): Promise<number> => {
    let n = 0;
    // Each step writes two records. A copy has both, or only the first.
    for (; !isDone; n += 1) {
      await driver.create(`${name}-${String(n).padStart(6, '0')}-a`, record({ data: JSON.stringify('x'.repeat(500)) }));
      await driver.create(`${name}-${String(n).padStart(6, '0')}-b`, record());
    }
    return n;
  };
  const writers = ['one', 'two', 'three'].map(write);
  await wait(200);
  // In another process, because two drivers in one process release each other's locks.
  const copied = await sandbox.sessapp(['store', 'backup', '-e', busy, join(outside, 'data.mdb')]);
  isDone = true;
  await Promise.all(writers);
  await driver.close();
  expect(copied.exitCode).toBe(0);
  await mkdir(join(outside, 'data', 'sessions'), { recursive: true });
  await promisify(execFile)('cp', [join(outside, 'data.mdb'), join(outside, 'data', 'sessions')]);
  const keys = (await stored(outside)).map(({ key }) => key);
  for (const name of ['one', 'two', 'three']) {
    const own = keys.filter((key) => key.startsWith(`${name}-`));
    expect(own.length).toBeGreaterThan(10);
    const steps = Array.from(
      { length: own.length },
      (_, n) => `${String(n >> 1).padStart(6, '0')}-${n % 2 ? 'b' : 'a'}`,
    );
    expect(own).toEqual(steps.map((step) => `${name}-${step}`));
  }
});

test('docs/store.md restores a session that was ended after the backup', async () => {
  const page = await readFile(join(repository, 'docs', 'store.md'), 'utf8');
  const [, copying = ''] = /```sh\n(sessapp store backup [^`]*)```/.exec(page) ?? [];
  const [, restoring = ''] = /```sh\n(sessapp stop [^`]*)sessapp serve myenv\n```/.exec(page) ?? [];
  const own = new Sandbox();
  await copyEnvironment(own);
  const first = await serveInBackground(own, own.path('myenv'));
  const { cookie } = await request(first.url);
  const sh = async (lines: string): Promise<void> => {
    const functions = `set -eu\nsessapp() { '${process.execPath}' '${cli}' "$@"; }\n`;
    await promisify(execFile)('sh', ['-c', functions + lines], { cwd: own.directory });
  };
  await sh(copying);
  await invoke(own.path('myenv'), ['sessions', 'destroy', '--all', '--yes']);
  expect((await request(`${first.url}/profile`, { cookie })).body).not.toContain('guest');
  await sh(restoring);
  const second = await serve(own, own.path('myenv'));
  expect((await request(`${second.url}/profile`, { cookie })).body).toContain('guest');
  expect((await stat(join(own.path('myenv'), 'data', 'sessions', 'data.mdb'))).mode & 0o777).toBe(0o600);
});

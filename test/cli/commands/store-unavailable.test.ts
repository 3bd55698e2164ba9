import { chmod, chown, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { invoke } from '../../support/in-process.ts';
import {
  canActAsStranger,
  mountable,
  mountDisk,
  onlyAsRoot,
  onlyWithMount,
  stranger,
} from '../../support/privileges.ts';
import { add, fill } from '../../support/records.ts';
import { type Result, Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment } from '../../support/server.ts';

const sandbox = new Sandbox(afterAll);
let environment: string;
let data: string;

beforeAll(async () => {
  environment = await copyEnvironment(sandbox);
  data = join(environment, 'data');
});

function expectUnavailable({ exitCode, stdout, stderr }: Omit<Result, 'signal'>, reason: RegExp): void {
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
  expect(JSON.parse(stdout).error).toEqual({
    code: 'store-unavailable',
    message: expect.stringMatching(reason),
    hint: expect.stringMatching(/\w/),
  });
  expect(stdout).not.toMatch(/\\n\s+at /);
}

const list = (env?: NodeJS.ProcessEnv): ReturnType<typeof invoke> =>
  invoke(environment, ['sessions', 'list', '--json'], env);

test.each<[string, (file: string) => Promise<void>]>([
  ['is not an LMDB file', (file) => writeFile(file, 'x'.repeat(100_000))],
  ['is truncated', (file) => truncate(file, 20_000)],
])('a store whose file %s is reported as damaged', async (_, damage) => {
  await fill(
    environment,
    Array.from({ length: 2000 }, () => ({ data: JSON.stringify('x'.repeat(500)) })),
  );
  await damage(join(data, 'sessions', 'data.mdb'));
  expectUnavailable(await list(), /^The store cannot be used: .*damaged/);
});

test('a file in the place of data/ is reported', async () => {
  await rm(data, { recursive: true, force: true });
  await writeFile(data, '');
  expectUnavailable(await list(), /there is a file where its directory must be/);
  await rm(data);
});

test.runIf(canActAsStranger)(
  `a store of another user, or one without write permission, is reported${onlyAsRoot}`,
  async () => {
    await chmod(sandbox.directory, 0o755);
    await chmod(join(environment, '.env'), 0o644);
    await fill(environment, [{}]);
    const asStranger = (): Promise<Result> =>
      sandbox.sessapp(['sessions', 'list', '-e', environment, '--json'], { ...stranger, env: { HOME: '/' } });
    expectUnavailable(await asStranger(), /this user is not allowed to read and write its files/);
    await chmod(data, 0o755);
    await chmod(join(data, 'sessions'), 0o755);
    expectUnavailable(await asStranger(), /its files belong to another user|this user may not/);
    for (const name of ['data.mdb', 'lock.mdb']) await chown(join(data, 'sessions', name), stranger.uid, stranger.gid);
    await chown(join(data, 'sessions'), stranger.uid, stranger.gid);
    for (const name of ['data.mdb', 'lock.mdb']) await chmod(join(data, 'sessions', name), 0o400);
    expectUnavailable(await asStranger(), /this user is not allowed to read and write its files/);
  },
);

test.runIf(mountable)(`a full disk is reported, and sessions can still be read${onlyWithMount}`, async () => {
  await rm(data, { recursive: true, force: true });
  await mountDisk(data, '4m');
  const big = { data: JSON.stringify('x'.repeat(1000)) };
  await add(
    environment,
    Array.from({ length: 1000 }, () => big),
  );
  await writeFile(join(data, 'filler'), Buffer.alloc(4_000_000)).catch((error) => expect(error.code).toBe('ENOSPC'));
  const destroyed = await invoke(environment, ['sessions', 'destroy', '--all', '--yes', '--json']);
  expectUnavailable(destroyed, /the disk is full\. Before that, 0 sessions were ended\.$/);
  expect(JSON.parse((await list()).stdout).sessions).toHaveLength(1000);
  const copied = await invoke(environment, ['store', 'backup', join(data, '..', 'copy.mdb'), '--json']);
  expect(copied.exitCode).toBe(0);
});

test.runIf(mountable)(`a backup to a full disk is an error and leaves no file${onlyWithMount}`, async () => {
  await rm(join(environment, 'copy.mdb'), { force: true });
  await fill(
    environment,
    Array.from({ length: 500 }, () => ({ data: JSON.stringify('x'.repeat(1000)) })),
  );
  const disk = sandbox.path('disk');
  await mountDisk(disk, '200k');
  const { exitCode, stdout } = await invoke(environment, ['store', 'backup', join(disk, 'copy.mdb'), '--json']);
  expect({ exitCode, ...JSON.parse(stdout).error }).toMatchObject({
    exitCode: 1,
    code: 'backup-failed',
    message: 'The copy could not be written: the disk is full.',
  });
  expect(await readdir(disk)).toEqual([]);
});

test('NODE_OPTIONS for another Node.js or a debugger does not prevent reading the store', async () => {
  await fill(environment, [{ owner: 'ann' }]);
  const env = {
    NODE_OPTIONS: '--inspect-brk=0 --require ./missing.cjs',
    NODE_PATH: '/nowhere',
    NODE_ENV: 'production',
  };
  expect(JSON.parse((await list(env)).stdout).sessions).toHaveLength(1);
});

test('a driver that does not load is an error of one line', async () => {
  const other = await copyEnvironment(sandbox, 'other');
  await fill(other, [{}]);
  const driver = join(other, 'node_modules', 'sessapp', 'dist', 'stores', 'embedded', 'driver.js');
  // The file is hard-linked to other environments.
  await rm(driver);
  await writeFile(driver, 'nonsense(');
  const stats = (): Promise<Result> => sandbox.sessapp(['sessions', 'stats', '-e', other, '--json']);
  expectUnavailable(await stats(), /Unexpected end of input|SyntaxError/);
  await rm(driver);
  expectUnavailable(await stats(), /Cannot find module/);
  await writeFile(driver, 'throw new Error("the reason");');
  expectUnavailable(await stats(), /the reason/);
});

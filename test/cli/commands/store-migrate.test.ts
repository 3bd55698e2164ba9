import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { acquireLock, releaseLock } from '../../../src/cli/environment/lock.ts';
import { invoke } from '../../support/in-process.ts';
import { fill } from '../../support/records.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment, serve } from '../../support/server.ts';

const sandbox = new Sandbox(afterAll);
const password = 'p4ssw0rd-of-redis';
const address = ['--store-url', 'redis://127.0.0.1:1'];
let environment: string;
let files: Record<string, string>;

beforeAll(async () => {
  environment = await copyEnvironment(sandbox);
  await fill(environment, [{ owner: 'ann' }, { owner: 'bob' }, { owner: 'old', expiresAtMs: 1 }]);
  files = await readFiles();
});

beforeEach(async () => {
  for (const [name, content] of Object.entries(files)) await writeFile(join(environment, name), content);
});

async function readFiles(): Promise<Record<string, string>> {
  const names = ['sessapp.json', '.env', 'package.json', 'package-lock.json'];
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(environment, name), 'utf8')] as const)),
  );
}

async function changeMarker(change: (marker: { files: object }) => object): Promise<void> {
  const marker = JSON.parse(files['sessapp.json'] ?? '');
  await writeFile(join(environment, 'sessapp.json'), JSON.stringify({ ...marker, ...change(marker) }));
}

const migrate = (args: string[], env: NodeJS.ProcessEnv = {}): ReturnType<typeof invoke> =>
  invoke(environment, ['store', 'migrate', ...args], env);

test('a dry run says what would move, and changes nothing', async () => {
  const { exitCode, stdout } = await migrate(['redis', ...address, '--dry-run', '--json']);
  expect({ exitCode, ...JSON.parse(stdout) }).toEqual({
    exitCode: 0,
    version: 1,
    status: 'planned',
    directory: environment,
    from: 'embedded',
    to: 'redis',
    sessions: 2,
  });
  expect(await readFiles()).toEqual(files);
});

test.each([
  ['an unknown store', ['rediss'], {}, 2, /There is no store 'rediss'[\s\S]*redis/],
  ['no address', ['redis'], {}, 2, /--store-url redis:\/\/localhost:6379, or set NEXT_STORE_URL/],
  [
    'an address of another store',
    ['redis', '--store-url', 'postgres://a/b'],
    {},
    2,
    /The address is not valid for the store redis/,
  ],
  [
    'a variable with an address of another store',
    ['redis'],
    { NEXT_STORE_URL: 'http://a' },
    1,
    /NEXT_STORE_URL is not a valid address/,
  ],
  ['an address for a store without one', ['embedded', ...address], {}, 2, /The store embedded takes no address/],
  ['the current store', ['embedded'], {}, 1, /already in this embedded store/],
  ['a password on the command line', ['redis', '--store-url', `redis://:${password}@a`], {}, 2, /NEXT_STORE_URL/],
  [
    'an environment variable that overrides .env',
    ['redis', ...address],
    { STORE_URL: 'redis://a' },
    1,
    /unset the variable/,
  ],
])('refuses %s', async (_, args, env, exitCode, message) => {
  for (const more of [[], ['--dry-run']]) {
    const refused = await migrate([...args, ...more], env);
    expect(refused).toMatchObject({ exitCode, stdout: '' });
    expect(refused.stderr).toMatch(message);
    expect(refused.stderr).not.toContain(password);
  }
  expect(await readFiles()).toEqual(files);
});

test('without a move in progress, --rollback is refused', async () => {
  for (const args of [['redis'], ['redis', ...address], ['redis', '--dry-run']]) {
    const refused = await migrate([...args, '--rollback', '--json']);
    expect([refused.exitCode, JSON.parse(refused.stdout).error.code]).toEqual([1, 'no-migration']);
  }
  expect((await migrate(['redis', '--rollback'])).stderr).toMatch(/No move is in progress: .* in the embedded store\./);
  expect(await readFiles()).toEqual(files);
});

test('--rollback removes the address that an interrupted call left, and nothing else', async () => {
  await writeFile(join(environment, '.env'), `${files['.env']}NEXT_STORE_URL=redis://a\n`);
  const before = await readFiles();
  expect((await migrate(['redis', '--rollback', '--dry-run'])).exitCode).toBe(0);
  expect(await readFiles()).toEqual(before);
  const { exitCode, stdout } = await migrate(['redis', '--rollback', '--json']);
  expect([exitCode, JSON.parse(stdout).status]).toEqual([0, 'rolled-back']);
  expect(await readFiles()).toEqual(files);
});

test('an interrupted move can only continue to its own target', async () => {
  const migration = { from: 'embedded', to: 'postgres', phase: 'move' };
  await changeMarker(() => ({ migration }));
  await writeFile(join(environment, '.env'), `${files['.env']}NEXT_STORE_URL=postgres://a/b\n`);
  const other = await migrate(['redis', ...address, '--json']);
  expect(JSON.parse(other.stdout)).toMatchObject({
    error: { code: 'migration-unfinished', hint: expect.stringMatching(/store migrate postgres/) },
  });
  const elsewhere = await migrate(['postgres', '--store-url', 'postgres://c/d', '--json']);
  expect(JSON.parse(elsewhere.stdout)).toMatchObject({ error: { code: 'migration-unfinished' } });
  for (const more of [[], ['--dry-run']]) {
    const back = await migrate(['postgres', '--rollback', '--json', ...more]);
    expect(JSON.parse(back.stdout)).toMatchObject({ error: { code: 'migration-too-far' } });
  }
  const found = await invoke(environment, ['doctor', '--json']);
  expect(found.stdout).toMatch(/from the store embedded to postgres was interrupted[^}]*store migrate postgres/);
});

test('only one migration runs at a time', async () => {
  const lock = join(environment, '.sessapp-migration-lock');
  await acquireLock(lock, {});
  const { stdout } = await migrate(['redis', ...address, '--json']);
  await releaseLock(lock);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'busy' } });
});

test('refuses while a running server has STORE_URL as an environment variable', async () => {
  await serve(sandbox, environment, [], { env: { STORE_URL: 'redis://a' } });
  const { exitCode, stderr } = await migrate(['redis', ...address]);
  expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/for the running server \(process \d+\)/)]);
});

import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { expect, onTestFinished, test, vi } from 'vitest';
import { session } from '../../src/session/index.ts';
import type { Driver } from '../../src/stores/driver.ts';
import { embedded, openDatabase } from '../../src/stores/embedded/index.ts';
import { openPostgres, postgres } from '../../src/stores/postgres/index.ts';
import { openRedis, redis } from '../../src/stores/redis/index.ts';
import { memory } from '../../src/testing/index.ts';
import { secretOf } from '../session/support.ts';
import { send } from '../support/http.ts';
import { freePort } from '../support/redis-server.ts';
import { finish, repository, Sandbox } from '../support/sandbox.ts';

type Call = (options?: unknown) => unknown;

const examples = {
  embedded: "embedded({ directory: 'data/sessions' })",
  redis: "redis({ url: 'redis://localhost:6379' })",
  postgres: "postgres({ url: 'postgres://user@localhost:5432/database' })",
};
const calls = { embedded, redis, postgres } as unknown as Record<keyof typeof examples, Call>;
const isSet = '(is the environment variable set?)';

test.each<[keyof typeof examples, unknown, fault: string]>([
  ['redis', undefined, 'redis() needs an object with options; it got undefined'],
  ['redis', 'redis://:secret@localhost', 'redis() needs an object with options; it got a string'],
  ['redis', {}, `url option of redis() is undefined ${isSet}`],
  ['redis', { url: undefined }, `url option of redis() is undefined ${isSet}`],
  ['redis', { url: '' }, `url option of redis() is empty ${isSet}`],
  ['redis', { url: new URL('redis://:secret@a') }, 'url option of redis() must be a string; it is an object'],
  ['redis', { url: 'localhost:6379' }, 'url option of redis() does not begin with redis:// or rediss://'],
  [
    'redis',
    { url: 'redis://:secret@' },
    'url option of redis() has no host, or a character that must be percent-encoded',
  ],
  ['redis', { client: {} }, 'client is not an option of redis(); its options are: url, name'],
  ['redis', { url: 'redis://localhost', name: 7 }, 'name option of redis() must be a string; it is a number'],
  ['redis', { url: 'redis://localhost', name: '' }, `name option of redis() is empty ${isSet}`],
  ['postgres', undefined, 'postgres() needs an object with options; it got undefined'],
  ['postgres', { url: undefined }, `url option of postgres() is undefined ${isSet}`],
  ['postgres', { url: 'localhost:5432' }, 'url option of postgres() does not begin with postgres://'],
  ['postgres', { url: 'postgres://:secret@localhost' }, 'url option of postgres() has no database'],
  ['postgres', { pool: {} }, 'pool is not an option of postgres(); its options are: url, name'],
  ['embedded', undefined, 'embedded() needs an object with options; it got undefined'],
  ['embedded', 'data/x', 'embedded() needs an object with options; it got a string'],
  ['embedded', { dir: 'data/x' }, 'dir is not an option of embedded(); its options are: directory'],
  ['embedded', { directory: undefined }, `directory option of embedded() is undefined ${isSet}`],
])('%s(%j) is a TypeError at once, which says what to write', (name, options, fault) => {
  expect(() => calls[name](options)).toThrow(new TypeError(`${fault}. For example: ${examples[name]}`));
});

test('a name that is undefined means the default', () => {
  expect(() => redis({ url: 'redis://localhost', name: undefined as never })).not.toThrow();
});

test.each<[Call, unknown, message: string, hint?: string]>([
  [openDatabase as Call, undefined, 'openDatabase() needs an object with options'],
  [openDatabase as Call, { dir: 'a', tables: ['b'] }, 'dir is not an option of openDatabase()'],
  [
    openDatabase as Call,
    { directory: 'a' },
    'tables option of openDatabase() must be an array of names. For example: ',
  ],
  [openRedis as Call, undefined, 'openRedis() needs an object with options'],
  [openRedis as Call, { url: 'a' }, 'url does not begin with redis://', "For example: url: 'redis://localhost:6379'"],
  [
    openRedis as Call,
    { url: 'a', variable: 'X' },
    'X does not begin with redis://',
    'For example: X=redis://localhost:6379',
  ],
  [openPostgres as Call, { url: 'postgres://a/b' }, 'schema option of openPostgres() is undefined'],
])('%o for own data rejects options that are not valid: %j', async (open, options, message, hint) => {
  const error = await (open(options) as Promise<unknown>).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ message: expect.stringContaining(message), ...(hint && { hint }) });
});

const closed = 'the application closed this store with close()';

test.each<[string, open: () => Driver]>([
  ['embedded', () => embedded({ directory: new Sandbox().path('sessions') })],
  ['redis', () => redis({ url: 'redis://localhost:1' })],
  ['postgres', () => postgres({ url: 'postgres://localhost:1/none' })],
  ['memory', memory],
])(
  'after close(), a request to the store %s fails, and the log says that the application closed it',
  async (_, open) => {
    const store = open();
    const log = { warn: vi.fn(), error: vi.fn() };
    const middleware = session({ secret: secretOf('a'), store, log });
    const server = createServer((req, res) => middleware(req, res, () => res.end())).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    await store.ping().catch(() => undefined);
    await store.close();
    expect((await send(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).status).toBe(503);
    const [[{ err }]] = log.error.mock.calls as [[{ err: Error }]];
    expect(String(err.cause)).toContain(closed);
  },
);

test('after close(), calls of a database for own data fail in the same way', async () => {
  const database = await openDatabase({ directory: new Sandbox().path('shop'), tables: ['orders'] });
  const orders = database.table('orders');
  await database.close();
  expect(() => orders.get('a')).toThrow(closed);
  await expect(database.write(() => undefined)).rejects.toThrow(closed);
  const own = await openRedis({ url: 'redis://localhost:1' });
  await own.close();
  await expect(own.run((commands) => commands.get('a'))).rejects.toThrow(closed);
});

test('a program that a bundler made from an application needs no package beside it', async () => {
  const sandbox = new Sandbox();
  const input = sandbox.path('app.js');
  const store = join(repository, 'dist', 'stores', 'redis', 'index.js');
  const url = `redis://127.0.0.1:${await freePort()}`;
  await writeFile(
    input,
    `import { redis } from ${JSON.stringify(store)};
     const store = redis({ url: '${url}' });
     console.log(await store.ping().catch((error) => error.message));
     await store.close();`,
  );
  const bundle = await rolldown({ input, platform: 'node' });
  await bundle.write({ dir: sandbox.path('bundle'), format: 'esm', codeSplitting: false });
  await bundle.close();
  const { stdout, stderr } = await finish(sandbox.spawn(process.execPath, [sandbox.path('bundle', 'app.js')]));
  expect(stdout + stderr).toContain('there is no connection to Redis');
});

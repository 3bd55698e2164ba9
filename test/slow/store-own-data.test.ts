import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPostgres, type Postgres } from '../../src/stores/postgres/index.ts';
import { openRedis, type Redis } from '../../src/stores/redis/index.ts';
import { missingPostgres, Postgres as PostgresServer } from '../support/postgres.ts';
import { RedisServer, redisPrograms } from '../support/redis-server.ts';
import { waitFor } from '../support/server.ts';

const isReached = (call: Promise<unknown>): Promise<boolean> =>
  call.then(
    () => true,
    () => false,
  );

describe.skipIf(redisPrograms.length === 0)('data of an application in Redis', () => {
  let server: RedisServer;
  let redis: Redis;

  beforeAll(async () => {
    server = await new RedisServer(redisPrograms[0] ?? '', '--appendonly', 'yes').start();
    redis = await openRedis({ url: server.url });
  });
  afterAll(async () => {
    await redis?.close();
    await server?.remove();
  });

  test('commands work', async () => {
    expect(await redis.run((commands) => commands.set('a', '1', { condition: 'NX' }))).toBe('OK');
    expect(await redis.run((commands) => commands.set('a', '2', { condition: 'NX' }))).toBeNull();
    expect(await redis.run((commands) => commands.getDel('a'))).toBe('1');
    expect(await redis.run((commands) => commands.get('a'))).toBeNull();
    const options = { keys: ['b'], arguments: ['7'] };
    expect(await redis.run((commands) => commands.eval(`return redis.call('INCRBY', KEYS[1], ARGV[1])`, options))).toBe(
      7,
    );
    expect(await redis.run((commands) => commands.del('b'))).toBe(1);
  });

  test('without the server, a call rejects, and works again once the server is back', async () => {
    const get = () => redis.run((commands) => commands.get('a'));
    await server.kill();
    await waitFor(async () => !(await isReached(get())));
    await server.start();
    await waitFor(() => isReached(get()));
  });

  test.each([
    [undefined, 'STORE_URL is not set'],
    ['http://localhost', 'STORE_URL does not begin with redis://'],
  ])('the address %j is refused', async (url, message) => {
    await expect(openRedis({ url, variable: 'STORE_URL' })).rejects.toThrow(message);
  });
});

describe.skipIf(missingPostgres)('data of an application in PostgreSQL', () => {
  const schema = 'CREATE TABLE IF NOT EXISTS orders (id integer PRIMARY KEY, item text NOT NULL)';
  let server: PostgresServer;
  let postgres: Postgres;

  beforeAll(async () => {
    server = await PostgresServer.create();
    await server.start();
    postgres = await openPostgres({ url: server.url({ schema: await server.createSchema() }), schema });
  });
  afterAll(async () => {
    await postgres?.close();
    await server?.remove();
  });

  test('the tables are created before the first query, also by several servers at once', async () => {
    const url = server.url({ schema: await server.createSchema() });
    const servers = await Promise.all(Array.from({ length: 5 }, () => openPostgres({ url, schema })));
    const text = 'INSERT INTO orders (id, item) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id';
    const rows = await Promise.all(servers.map((each) => each.query<{ id: number }>(text, [7, 'book'])));
    expect(rows.flat()).toEqual([{ id: 7 }]);
    for (const each of servers) await each.close();
  });

  test('a role that may not create tables uses the tables that their owner created', async () => {
    const name = await server.createSchema();
    await server.sql(
      `SET search_path = ${name}; ${schema}; GRANT ALL ON orders TO app; REVOKE CREATE ON SCHEMA ${name} FROM app`,
    );
    await server.sql(`ALTER SCHEMA ${name} OWNER TO admin; GRANT USAGE ON SCHEMA ${name} TO app`);
    const restricted = await openPostgres({ url: server.url({ schema: name }), schema });
    expect(await restricted.query('SELECT id FROM orders')).toEqual([]);
    await restricted.close();
  });

  test('without the server, a query rejects, and works again once the server is back', async () => {
    const ask = () => postgres.query('SELECT 1');
    await ask();
    await server.stop();
    await expect(ask()).rejects.toThrow(/PostgreSQL at 127\.0\.0\.1:\d+: /);
    await server.start();
    await waitFor(() => isReached(ask()), 30_000);
  });

  test('an invalid statement rejects with its SQLSTATE', async () => {
    await expect(postgres.query('SELECT * FROM nowhere')).rejects.toMatchObject({ code: '42P01' });
  });
});

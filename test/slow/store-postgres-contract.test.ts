import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Driver, ListQuery, SessionRecord } from '../../src/stores/driver.ts';
import { open } from '../../src/stores/postgres/driver.ts';
import * as statements from '../../src/stores/postgres/statements.ts';
import { describeDriver } from '../stores/contract.ts';
import type { Subject } from '../stores/contract-support.ts';
import { missingPgbouncer, startPgbouncer } from '../support/pgbouncer.ts';
import { missingPostgres, Postgres, type UrlOptions } from '../support/postgres.ts';
import { repository } from '../support/sandbox.ts';

const record: SessionRecord = { data: '{"n":0}', createdAtMs: 1000, seenAtMs: 2000, expiresAtMs: 3000 };

describe.skipIf(missingPostgres)(`on PostgreSQL${missingPostgres ? `: ${missingPostgres}` : ''}`, () => {
  let server: Postgres;

  beforeAll(async () => {
    server = await Postgres.create();
    await server.start();
    const driver = await open(server.url(), 'environment');
    await driver.ping();
    await driver.close();
  });

  afterAll(() => server.remove());

  async function openDriver(options: UrlOptions, name = 'environment'): Promise<Driver> {
    const driver = await open(server.url(options), name);
    onTestFinished(() => driver.close());
    return driver;
  }

  let environments = 0;
  const createSubject = (): Subject => {
    environments += 1;
    const name = `environment-${environments}`;
    const url = server.url();
    const module = join(repository, 'dist', 'stores', 'postgres', 'driver.js');
    return {
      open: () => open(url, name),
      remove: async () => undefined,
      module,
      args: [url, name],
      fill: (count, bytes) => fill(server, name, count, bytes),
    };
  };
  describeDriver('postgres', createSubject, 25_000);

  test('an owner with a lone surrogate is stored unchanged', async () => {
    const driver = await openDriver({ schema: await server.createSchema() });
    await driver.create('a', { ...record, owner: 'x\ud83d' });
    expect(await driver.read('a')).toMatchObject({ owner: 'x\ud83d' });
  });

  test('times are timestamps in the database', async () => {
    const schema = await server.createSchema();
    const driver = await openDriver({ schema });
    await driver.create('a', { ...record, expiresAtMs: Date.UTC(2026, 0, 31, 12, 0, 0, 250) });
    const same = `SELECT expires_at = '2026-01-31 12:00:00.25Z' AS same FROM ${schema}.sessapp_sessions`;
    expect(await server.sql(same)).toEqual([{ same: true }]);
  });

  test('environments in one database have separate sessions', async () => {
    const schema = await server.createSchema();
    const [one, other] = [await openDriver({ schema }, 'one'), await openDriver({ schema }, 'other')];
    await one.create('a', { ...record, owner: 'ann' });
    expect(await other.read('a')).toBeUndefined();
    expect(await other.create('a', { ...record, owner: 'ann' })).toBe(true);
    for (const query of [{}, { owner: 'ann' }]) expect(await keysOf(other, query)).toEqual(['a']);
    await other.delete('a');
    expect(await other.prune(9000, 10)).toBe(0);
    expect(await one.read('a')).toMatchObject({ owner: 'ann' });
  });

  test('a record that is set aside is kept unchanged in a separate table', async () => {
    const schema = await server.createSchema();
    const driver = await openDriver({ schema });
    await driver.create('a', { ...record, data: 'no JSON\\u0000', owner: 'ann', keyId: '01234567' });
    await driver.setAside('a');
    const kept = await server.sql(`SELECT key, version, data, owner, key_id FROM ${schema}.sessapp_sessions_aside`);
    expect(kept).toEqual([{ key: 'a', version: '1', data: 'no JSON\\u0000', owner: 'ann', key_id: '01234567' }]);
  });

  test('a row with an infinite expiry is listed, and is read with an infinite time', async () => {
    const schema = await server.createSchema();
    const driver = await openDriver({ schema });
    for (const key of ['a', 'b', 'c']) await driver.create(key, record);
    await server.sql(`UPDATE ${schema}.sessapp_sessions SET expires_at = 'infinity' WHERE key <> 'a'`);
    expect(await keysOf(driver)).toEqual(['a', 'b', 'c']);
    expect(await driver.read('b')).toMatchObject({ expiresAtMs: Number.POSITIVE_INFINITY });
  });

  test('a pruning batch skips rows that another transaction has locked, and does not wait for them', async () => {
    const schema = await server.createSchema();
    const driver = await openDriver({ schema });
    for (const key of ['a', 'b', 'c']) await driver.create(key, record);
    const release = await server.hold(`SELECT FROM ${schema}.sessapp_sessions WHERE key = 'a' FOR UPDATE`);
    expect(await driver.prune(9000, 10)).toBe(2);
    await release();
    expect(await driver.prune(9000, 10)).toBe(1);
  });

  test('a database with serializable transactions loses no increment', async () => {
    const schema = await server.createSchema();
    await server.alterRole('default_transaction_isolation', 'serializable');
    await expectIncrements(await openDriver({ schema }), await openDriver({ schema }));
  });

  test('reads, lists and pruning use an index', async () => {
    const schema = await server.createSchema();
    await (await openDriver({ schema })).ping();
    await server.sql(`INSERT INTO ${schema}.sessapp_sessions
      SELECT 'e' || n % 2, 'k' || n, 1, '{}', now(), now(), now() + n * interval '1 s', 'o' || n % 500
      FROM generate_series(1, 20000) AS n`);
    await server.sql(`ANALYZE ${schema}.sessapp_sessions`);
    const cases: [statements.Statement, unknown[]][] = [
      [statements.read, ['e1', 'k1']],
      [statements.touch, ['e1', 'k1', 1, 2, 3]],
      [statements.remove, ['e1', 'k1']],
      [statements.update, ['e1', 'k1', '{}', 1, 2, 3, null, null, 1]],
      [statements.prune, ['e1', Date.now(), 100]],
      [statements.listByExpiry(false), ['e1', 100, Date.now(), '']],
      [statements.listByExpiry(true), ['e1', 100, Number.NEGATIVE_INFINITY, '', Date.now() + 5_000_000]],
      [statements.listByOwner(false), ['e1', 100, 'o1', '']],
      [statements.listByOwner(true), ['e1', 100, 'o1', 'k', Date.now()]],
      [statements.listByKey(false), ['e1', 100, 'k12', '']],
    ];
    for (const [{ name, text }, values] of cases) {
      const plan = await server.explain(schema, text, values);
      expect(plan, name).toContain('Index');
      expect(plan, name).not.toContain('Seq Scan');
      if (name.includes('expiry')) expect(plan, name).not.toContain('Sort');
    }
  });

  test('statements are prepared', async () => {
    const schema = await server.createSchema();
    await server.alterRole('log_statement', 'all');
    const driver = await openDriver({ schema });
    for (let n = 0; n < 3; n += 1) await driver.read('a');
    expect(server.log().match(/execute sessapp_read: SELECT/g)).toHaveLength(3);
  });

  describe.skipIf(missingPgbouncer)(`behind PgBouncer${missingPgbouncer ? `: ${missingPgbouncer}` : ''}`, () => {
    test('several servers create the tables, lose no increment, and leave no setting on a connection', async () => {
      const port = await startPgbouncer(server);
      const drivers = await Promise.all(Array.from({ length: 4 }, () => openDriver({ port })));
      await Promise.all(drivers.map((driver) => driver.ping()));
      const [one, other] = drivers as [Driver, Driver];
      await expectIncrements(one, other);
      expect(await one.warnings?.()).toEqual([expect.stringMatching(/pooler.*statement_timeout/)]);
      expect(await keysOf(other)).toEqual(['n']);
      for (let n = 0; n < 4; n += 1) expect(await server.settingOf('statement_timeout', port)).toBe('0');
    });
  });
});

async function fill(server: Postgres, environment: string, count: number, bytes: number): Promise<void> {
  await server.sql(
    `INSERT INTO sessapp_sessions (environment, key, version, data, created_at, seen_at, expires_at, owner)
    SELECT $1, 'k' || n, 1, repeat('x', $3), now(), now(), now() + interval '1 d', 'ann' FROM generate_series(1, $2) AS n`,
    [environment, count, bytes],
  );
}

async function keysOf(driver: Driver, query: ListQuery = {}): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of driver.list(query)) keys.push(key);
  return keys;
}

async function expectIncrements(one: Driver, other: Driver): Promise<void> {
  await one.create('n', record);
  const increment = async (driver: Driver): Promise<void> => {
    const found = await driver.read('n');
    if (!found) throw new Error('the record is gone');
    const { n } = JSON.parse(found.data) as { n: number };
    const next = { ...record, data: JSON.stringify({ n: n + 1 }) };
    if (!(await driver.update('n', found.version, next))) await increment(driver);
  };
  await Promise.all(Array.from({ length: 20 }, (_, n) => increment(n % 2 ? one : other)));
  expect(await one.read('n')).toMatchObject({ data: '{"n":20}', version: 21 });
}

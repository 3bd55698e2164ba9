import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Driver, SessionRecord } from '../../src/stores/driver.ts';
import { open } from '../../src/stores/postgres/driver.ts';
import { startTcpProxy } from '../support/network.ts';
import { missingPostgres, Postgres } from '../support/postgres.ts';
import { waitFor } from '../support/server.ts';

/** An ErrorResponse with another severity; whatever else the server sends stays. */
function translateFatal(chunk: Buffer, severity: string): Buffer {
  const at = chunk.indexOf('SFATAL\0');
  if (at < 5) return chunk;
  const length = Buffer.alloc(4);
  length.writeUInt32BE(chunk.readUInt32BE(at - 4) + Buffer.byteLength(severity) - 'FATAL'.length);
  return Buffer.concat([chunk.subarray(0, at - 4), length, Buffer.from(`S${severity}`), chunk.subarray(at + 6)]);
}

const record: SessionRecord = { data: '{"n":0}', createdAtMs: 1000, seenAtMs: 2000, expiresAtMs: 3000 };

describe.skipIf(missingPostgres)(`faults of PostgreSQL${missingPostgres ? `: ${missingPostgres}` : ''}`, () => {
  let server: Postgres;
  let driver: Driver;

  beforeAll(async () => {
    server = await Postgres.create();
    await server.start();
  });

  afterAll(() => server.remove());

  async function openDriver(port = server.port): Promise<Driver> {
    await server.sql('DROP TABLE IF EXISTS sessapp_sessions, sessapp_sessions_aside, sessapp_schema');
    driver = await open(server.url({ port }), 'environment');
    onTestFinished(() => driver.close());
    await driver.create('a', record);
    return driver;
  }

  /** Nothing of the driver's gets on until the function is called. */
  const lockTable = (): Promise<() => Promise<void>> => server.hold('LOCK TABLE sessapp_sessions');

  const untilWaiting = (count = 1): Promise<unknown> =>
    waitFor(async () => {
      const waiting = await server.sql(
        "SELECT FROM pg_stat_activity WHERE usename = 'app' AND wait_event_type = 'Lock'",
      );
      return waiting.length >= count;
    });

  test('connections that were ended while idle are replaced, without one call that fails', async () => {
    const driver = await openDriver();
    await Promise.all(Array.from({ length: 20 }, () => driver.read('a')));
    expect(await server.terminateConnections()).toBeGreaterThan(1);
    await waitFor(async () => (await server.sql("SELECT FROM pg_stat_activity WHERE usename = 'app'")).length === 0);
    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => driver.create(`k${n}`, record)));
    expect(results).toEqual(results.map(() => true));
  });

  test('what was read when the connection broke is read again', async () => {
    const driver = await openDriver();
    const release = await lockTable();
    const found = driver.read('a');
    await untilWaiting();
    await server.terminateConnections();
    await release();
    expect(await found).toMatchObject({ key: 'a', version: 1 });
  });

  test.each<[string, () => Promise<unknown>]>([
    ['an update', () => driver.update('a', 1, { ...record, data: '{"n":1}' })],
    ['a creation', () => driver.create('b', record)],
  ])('%s whose connection broke rejects: nobody knows', async (_, change) => {
    await openDriver();
    const release = await lockTable();
    const changed = change();
    changed.catch(() => undefined);
    await untilWaiting();
    await server.terminateConnections();
    await release();
    await expect(changed).rejects.toThrow(/nobody knows whether the change was stored/);
    expect(await driver.read('a')).toMatchObject({ version: 1 });
  });

  // Of its severities PostgreSQL sends the translation first, as lc_messages says.
  test.each(['ВАЖНО', '치명적오류', '致命错误', 'FATALE'])(
    'a connection that was ended is known by its SQLSTATE, also where FATAL is %s',
    async (severity) => {
      const translate = (chunk: Buffer): Buffer => translateFatal(chunk, severity);
      const way = await startTcpProxy(server.port, { translate });
      const driver = await openDriver(way.port);
      const release = await lockTable();
      const found = driver.read('a');
      const changed = driver.update('a', 1, { ...record, data: '{"n":1}' });
      changed.catch(() => undefined);
      await untilWaiting(2);
      await server.terminateConnections();
      await release();
      expect(await found).toMatchObject({ key: 'a', version: 1 });
      await expect(changed).rejects.toThrow(/it was stopped \(57P01\); nobody knows whether the change was stored/);
    },
  );

  test('what takes too long rejects in time, and is not done later', async () => {
    const driver = await openDriver();
    const release = await lockTable();
    const update = driver.update('a', 1, { ...record, data: '{"n":1}' });
    await expect(update).rejects.toThrow(/took too long \(57014\)/);
    await release();
    expect(await driver.read('a')).toMatchObject({ version: 1, data: record.data });
  });

  test('more calls than can wait for a connection are refused at once, and the rest is answered', async () => {
    const driver = await openDriver();
    const release = await lockTable();
    const calls = Array.from({ length: 1500 }, () => driver.read('a').catch((error: Error) => error.message));
    const refused = await Promise.race(calls.slice(-1));
    expect(refused).toMatch(/1000 calls wait for a connection already/);
    await release();
    const responses = await Promise.all(calls);
    expect(responses.filter((response) => typeof response === 'object').length).toBeGreaterThan(8);
  });

  test('what was read when the way to the server was cut is read again', async () => {
    const way = await startTcpProxy(server.port);
    const driver = await openDriver(way.port);
    const release = await lockTable();
    const found = driver.read('a');
    await untilWaiting();
    way.cutConnections();
    await release();
    expect(await found).toMatchObject({ key: 'a', version: 1 });
  });

  test('when one connection turns out to be dead without a word, no other is waited for', async () => {
    const way = await startTcpProxy(server.port);
    const driver = await openDriver(way.port);
    await Promise.all(Array.from({ length: 8 }, () => driver.read('a')));
    way.loseConnections();
    await expect(driver.read('a')).rejects.toThrow(/does not response/);
    for (let n = 0; n < 8; n += 1) expect(await driver.read('a')).toMatchObject({ key: 'a' });
  });

  test('who waits for one of the connections that turn out to be dead gets a new one', async () => {
    const way = await startTcpProxy(server.port);
    const driver = await openDriver(way.port);
    const readAll = (): Promise<unknown[]> => Promise.all(Array.from({ length: 8 }, () => driver.read('a')));
    const all = await readAll();
    way.loseConnections();
    const lost = expect(readAll()).rejects.toThrow(/does not response/);
    await wait(1000);
    const startMs = performance.now();
    expect(await readAll()).toEqual(all);
    expect(performance.now() - startMs).toBeLessThan(1900);
    await lost;
  });

  test('a call that outlives its driver, on a server that hangs, fails and harms nobody', async () => {
    const driver = await openDriver();
    await lockTable();
    const found = driver.read('a').catch((error: Error) => error.message);
    await untilWaiting();
    await server.pause();
    onTestFinished(() => server.resume());
    await driver.close();
    // What is rejected unheard fails the run.
    expect(await found).toMatch(/does not response/);
  });

  test('a call whose connection breaks after its driver was closed says that it is closed', async () => {
    const driver = await openDriver();
    await lockTable();
    const found = driver.read('a').catch((error: Error) => error.message);
    await untilWaiting();
    const closed = driver.close();
    await server.terminateConnections();
    await closed;
    expect(await found).toBe(`PostgreSQL at 127.0.0.1:${server.port}: its driver is closed`);
  });

  test('a server that was restarted is used again by itself', async () => {
    const driver = await openDriver();
    await server.stop();
    await expect(driver.read('a')).rejects.toThrow(/PostgreSQL at 127\.0\.0\.1:\d+: .*\((57P01|ECONNREFUSED)\)|broke/);
    await server.start();
    expect(await driver.read('a')).toMatchObject({ key: 'a' });
  });

  test('what broke tells neither a key nor what a session holds', async () => {
    const driver = await openDriver();
    await server.sql("ALTER TABLE sessapp_sessions ADD CHECK (data <> 'private-data')");
    const failure = await driver.create('private-key', { ...record, data: 'private-data' }).catch((error) => error);
    expect(failure).toBeInstanceOf(Error);
    expect(JSON.stringify({ ...failure, message: failure.message, stack: failure.stack })).not.toContain('private');
  });
});

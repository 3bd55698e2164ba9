import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type MoveStep, walkMove } from '../../src/cli/migrate/store-move.ts';
import { MigratingDriver, type Phase } from '../../src/migration/migrating-driver.ts';
import { createExpiredTombstone } from '../../src/migration/moved-record.ts';
import type { Driver } from '../../src/stores/driver.ts';
import { open } from '../../src/stores/embedded/driver.ts';
import { testLists } from '../stores/contract-lists.ts';
import { testProcesses } from '../stores/contract-processes.ts';
import { testRecords } from '../stores/contract-records.ts';
import { collect, record, type Ways } from '../stores/contract-support.ts';

const module = join(import.meta.dirname, 'migrating.js');
const hourMs = 3_600_000;

async function openBoth(directory: string, phase: Phase): Promise<MigratingDriver> {
  const [from, to] = ['from', 'to'].map((name) => open(join(directory, name)));
  return new MigratingDriver((await from) as Driver, (await to) as Driver, phase);
}

/** Two embedded stores, and a driver for each phase, as two processes have them. */
function setUp(...phases: [Phase, Phase]) {
  const ways = {} as Ways & { from: Driver; to: Driver; args: [directory: string] };
  beforeEach(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sessapp-migrating-'));
    const [driver, other] = [await openBoth(directory, phases[0]), await openBoth(directory, phases[1])];
    const { from, to } = driver;
    Object.assign(ways, { driver, other, from, to, args: [directory] });
  });
  afterEach(async () => {
    await Promise.all([ways.driver.close(), ways.other.close()]);
    await rm(ways.args[0], { recursive: true, force: true });
  });
  return ways;
}

describe('two stores during a migration, with a process that moves records and a process that does not move them yet', () => {
  const ways = setUp('move', 'prepare');
  testRecords(ways);
});

describe('two stores before a migration', () => {
  testLists(setUp('prepare', 'prepare'));
});

describe('two stores during a migration, with processes that are killed', () => {
  const ways = setUp('prepare', 'move');
  testProcesses(ways, () => ({ ...ways, module }) as never, 5000);
});

describe('two stores during a migration', () => {
  const ways = setUp('prepare', 'move');
  const given = record({ owner: 'ann', keyId: '01234567', createdAtMs: Date.now(), seenAtMs: Date.now() });

  beforeEach(async () => {
    await ways.from.create('a', given);
    await ways.from.update('a', 1, given);
  });

  test('a read leaves a record in its store; a change moves it and keeps its version', async () => {
    expect(await ways.other.read('a')).toEqual({ ...given, key: 'a', version: 2 });
    expect(await ways.to.read('a')).toBeUndefined();
    expect(await ways.other.update('a', 2, { ...given, data: '{"n":1}' })).toBe(true);
    expect(await ways.to.read('a')).toEqual({ ...given, data: '{"n":1}', key: 'a', version: 3 });
    expect(await ways.driver.read('a')).toMatchObject({ data: '{"n":1}', version: 3 });
    expect(await ways.driver.update('a', 2, given)).toBe(false);
  });

  test('a record that is touched before the move keeps the times of the touch', async () => {
    const before = await ways.from.read('a');
    await ways.driver.touch('a', 2, 5000, 5e12);
    expect(await ways.from.update('a', before?.version ?? 0, given)).toBe(false);
    await (ways.other as MigratingDriver).move('a');
    expect(await ways.to.read('a')).toMatchObject({ seenAtMs: 5000, expiresAtMs: 5e12, version: 3 });
  });

  test('after a process died between the two steps of a move, every process still finds the session', async () => {
    await ways.from.update('a', 2, { ...given, createdAtMs: -given.createdAtMs });
    for (const way of [ways.driver, ways.other])
      expect(await way.read('a')).toEqual({ ...given, key: 'a', version: 2 });
    expect(await ways.driver.update('a', 2, { ...given, data: '{"n":1}' })).toBe(true);
    expect(await ways.to.read('a')).toMatchObject({ data: '{"n":1}', version: 3 });
  });

  test('no copy restores a destroyed session, not even a copy that has already begun', async () => {
    await ways.driver.delete('a');
    expect(await ways.to.create('a', given, 2)).toBe(false);
    await (ways.other as MigratingDriver).move('a');
    for (const way of [ways.driver, ways.other]) expect(await way.read('a')).toBeUndefined();
    expect(await ways.other.update('a', 2, given)).toBe(false);
    expect(await ways.other.create('a', given)).toBe(false);
  });

  test('a damaged record can be deleted like any other, in either store', async () => {
    await ways.driver.close();
    const [directory] = ways.args;
    for (const name of ['from', 'to']) {
      const root = openLmdb({ path: join(directory, name), overlappingSync: false });
      await root.openDB<Buffer, string>({ name: 'records', encoding: 'binary' }).put('bad', Buffer.from([0xc1]));
      await root.close();
    }
    Object.assign(ways, { driver: await openBoth(directory, 'move') });
    await ways.driver.delete('bad');
    expect(await ways.driver.read('bad')).toBeUndefined();
    expect(await ways.driver.create('bad', given)).toBe(false);
  });

  test('without the migration, a tombstone is an expired session; pruning deletes it after hours', async () => {
    await ways.other.delete('a');
    expect((await ways.to.read('a'))?.expiresAtMs).toBeLessThan(Date.now());
    expect(await ways.other.prune(Date.now(), 10)).toBe(0);
    expect(await ways.other.prune(Date.now() + 3 * hourMs, 10)).toBe(1);
    expect(await ways.to.read('a')).toBeUndefined();
  });

  test('a tombstone of an earlier migration in the old store is not a session, and does not block this migration', async () => {
    await ways.from.create('end', createExpiredTombstone(Date.now()), 0);
    for (const way of [ways.driver, ways.other]) {
      expect([await way.read('end'), await collect(way.list({}))]).toEqual([undefined, ['a']]);
      expect([await way.update('end', 0, given), await way.create('end', given)]).toEqual([false, false]);
    }
    expect([await walk('copy'), await walk('verify'), await walk('clear')]).toEqual([2, 0, 2]);
    expect([await collect(ways.from.list({})), await collect(ways.to.list({}))]).toEqual([[], ['a']]);
  });

  async function walk(step: MoveStep): Promise<number> {
    let sum = 0;
    for await (const { changed } of walkMove(ways.other as MigratingDriver as never, step)) sum += changed;
    return sum;
  }

  test('a session that expired in the new store is not restored from the old one', async () => {
    await ways.other.update('a', 2, { ...given, expiresAtMs: Date.now() - 3 * hourMs });
    expect(await ways.from.read('a')).toBeDefined();
    await ways.other.prune(Date.now(), 10);
    expect(await ways.other.read('a')).toBeUndefined();
  });

  test('lists every session once, with its newest data', async () => {
    await ways.from.create('b', given);
    await ways.from.create('c', given);
    await ways.other.update('a', 2, { ...given, data: '{"n":1}' });
    await ways.other.delete('c');
    await ways.other.create('d', given);
    const found: string[] = [];
    for await (const { key, data, version, createdAtMs } of ways.driver.list({}))
      found.push(`${key}${version} ${data === given.data} ${createdAtMs === given.createdAtMs}`);
    expect(found).toEqual(['a3 false true', 'b1 true true', 'd1 true true']);
    const some: string[] = [];
    for await (const { key } of ways.driver.list({ limit: 2 })) some.push(key);
    expect(some).toEqual(['a', 'b']);
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Driver, SessionRecord, StoredRecord } from '../../templates/session/driver.ts';

export interface Subject {
  /** Opens a driver on one and the same store, which is empty at the first call of each test. */
  open(): Promise<Driver>;
  /** Removes the store. */
  remove(): Promise<void>;
}

const record = (changes: Partial<SessionRecord> = {}): SessionRecord => ({
  data: '{"username":"guest"}',
  createdAtMs: 1000,
  seenAtMs: 2000,
  expiresAtMs: 3000,
  ...changes,
});

async function collect(records: AsyncIterable<StoredRecord>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of records) keys.push(key);
  return keys;
}

/** What every driver promises; a store signs up with a way to open and to remove one. */
export function describeDriver(name: string, createSubject: () => Subject): void {
  describe(`the ${name} driver`, () => {
    let subject: Subject;
    let driver: Driver;
    let other: Driver;

    beforeEach(async () => {
      subject = createSubject();
      driver = await subject.open();
      other = await subject.open();
    });

    afterEach(async () => {
      await Promise.all([driver.close(), other.close()]);
      await subject.remove();
    });

    test('reads back what it created, as version 1', async () => {
      expect(await driver.create('a', record({ owner: 'ann' }))).toBe(true);
      expect(await other.read('a')).toEqual({ ...record({ owner: 'ann' }), key: 'a', version: 1 });
    });

    test('keeps which secret a session is signed by', async () => {
      await driver.create('a', record({ keyId: '01234567' }));
      expect(await other.read('a')).toMatchObject({ keyId: '01234567' });
    });

    test('sets a record aside: out of every list, and never to be read again', async () => {
      await driver.create('a', record({ owner: 'ann' }));
      await driver.create('b', record());
      await driver.setAside('a');
      await driver.setAside('missing');
      expect(await other.read('a')).toBeUndefined();
      expect(await collect(driver.list({}))).toEqual(['b']);
      expect(await collect(driver.list({ owner: 'ann' }))).toEqual([]);
      expect(await driver.prune(9000, 10)).toBe(1);
    });

    test('reads nothing where nothing is', async () => {
      expect(await driver.read('a')).toBeUndefined();
    });

    test('does not create what exists', async () => {
      await driver.create('a', record());
      expect(await other.create('a', record({ data: '{}' }))).toBe(false);
      expect(await driver.read('a')).toMatchObject({ data: record().data, version: 1 });
    });

    test('updates the version it was told, and no other', async () => {
      await driver.create('a', record());
      expect(await driver.update('a', 1, record({ data: '{"n":2}' }))).toBe(true);
      expect(await other.update('a', 1, record({ data: '{"n":3}' }))).toBe(false);
      expect(await driver.read('a')).toMatchObject({ data: '{"n":2}', version: 2 });
    });

    test('never creates by an update or a touch', async () => {
      expect(await driver.update('a', 1, record())).toBe(false);
      await driver.touch('a', 1, 2);
      expect(await driver.read('a')).toBeUndefined();
      expect(await collect(driver.list({}))).toEqual([]);
    });

    test('moves times by a touch, and neither data nor version', async () => {
      await driver.create('a', record());
      await driver.touch('a', 5000, 9000);
      expect(await other.read('a')).toEqual({ ...record({ seenAtMs: 5000, expiresAtMs: 9000 }), key: 'a', version: 1 });
      expect(await collect(driver.list({ expiresBeforeMs: 8000 }))).toEqual([]);
    });

    test('deletes, also what is not there', async () => {
      await driver.create('a', record({ owner: 'ann' }));
      await driver.delete('a');
      await driver.delete('a');
      expect(await other.read('a')).toBeUndefined();
      expect(await collect(driver.list({ owner: 'ann' }))).toEqual([]);
    });

    test('lets one of many writers of the same version through', async () => {
      await driver.create('a', record());
      const writers = Array.from({ length: 20 }, (_, n) => (n % 2 ? driver : other));
      const results = await Promise.all(writers.map((writer, n) => writer.update('a', 1, record({ data: `${n}` }))));
      expect(results.filter(Boolean)).toHaveLength(1);
      expect(await driver.read('a')).toMatchObject({ data: `${results.indexOf(true)}`, version: 2 });
    });

    test('loses no increment of writers that try again', async () => {
      await driver.create('a', record({ data: '0' }));
      const increment = async (writer: Driver): Promise<void> => {
        for (;;) {
          const found = await writer.read('a');
          if (!found) throw new Error('the record is gone');
          const { key, version, ...rest } = found;
          if (await writer.update(key, version, { ...rest, data: `${Number(found.data) + 1}` })) return;
        }
      };
      await Promise.all(Array.from({ length: 50 }, (_, n) => increment(n % 2 ? driver : other)));
      expect(await driver.read('a')).toMatchObject({ data: '50', version: 51 });
    });

    test('lists by owner, and no other owner whose name begins the same', async () => {
      await driver.create('a', record({ owner: 'ann' }));
      await driver.create('b', record({ owner: 'anna' }));
      await driver.create('c', record({ owner: 'ann' }));
      await driver.create('d', record());
      expect(await collect(driver.list({ owner: 'ann' }))).toEqual(['a', 'c']);
    });

    test('follows a change of owner', async () => {
      await driver.create('a', record({ owner: 'ann' }));
      await driver.update('a', 1, record({ owner: 'bob' }));
      expect(await collect(driver.list({ owner: 'ann' }))).toEqual([]);
      expect(await collect(driver.list({ owner: 'bob' }))).toEqual(['a']);
    });

    test('lists in the order of expiry, up to a time and a number', async () => {
      await driver.create('late', record({ expiresAtMs: 300 }));
      await driver.create('early', record({ expiresAtMs: 100 }));
      await driver.create('middle', record({ expiresAtMs: 200 }));
      expect(await collect(driver.list({}))).toEqual(['early', 'middle', 'late']);
      expect(await collect(driver.list({ expiresBeforeMs: 300 }))).toEqual(['early', 'middle']);
      expect(await collect(driver.list({ limit: 1 }))).toEqual(['early']);
    });

    test('prunes what has expired by then, in batches, and leaves the rest', async () => {
      for (const n of [1, 2, 3, 4, 5]) await driver.create(`k${n}`, record({ expiresAtMs: n * 100, owner: 'ann' }));
      expect(await driver.prune(300, 2)).toBe(2);
      expect(await driver.prune(300, 10)).toBe(1);
      expect(await driver.prune(300, 10)).toBe(0);
      expect(await collect(driver.list({ owner: 'ann' }))).toEqual(['k4', 'k5']);
    });

    test('answers a ping', async () => {
      await expect(driver.ping()).resolves.toBeUndefined();
    });
  });
}

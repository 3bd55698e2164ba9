import { expect, test } from 'vitest';
import { defaultLimits } from '../../src/session/data/limits.ts';
import { Records } from '../../src/session/data/records.ts';
import { change, record, type Ways } from './contract-support.ts';

const increment = (data: string): string => JSON.stringify({ n: JSON.parse(data).n + 1 });

/** The contract for single records, also with concurrent calls. */
export function testRecords(ways: Ways): void {
  test('reads back a created record with version 1', async () => {
    const created = record({ owner: 'ann', keyId: '01234567' });
    expect(await ways.driver.create('a', created)).toBe(true);
    expect(await ways.other.read('a')).toEqual({ ...created, key: 'a', version: 1 });
  });

  test.each([
    '{"b":1,"a":{"__proto__":{"x":1},"constructor":0},"b2":[]}',
    String.raw`{"zero":"\u0000","half":"\ud83d","quote":"\"","slash":"\\","line":"\n"}`,
    '{"text":"세션 😀 \u2028 \u00e9"}',
    JSON.stringify({ large: 'x'.repeat(256 * 1024) }),
  ])('keeps data unchanged (%#)', async (data) => {
    await ways.driver.create('a', record());
    await ways.driver.update('a', 1, record({ data }));
    await ways.driver.create('b', record({ data }));
    for (const key of ['a', 'b']) expect((await ways.other.read(key))?.data).toBe(data);
  });

  test('keeps times to the millisecond', async () => {
    const times = { createdAtMs: 1_767_225_600_001, seenAtMs: 1_767_225_600_999, expiresAtMs: 4_102_444_799_123 };
    await ways.driver.create('a', record(times));
    expect(await ways.other.read('a')).toMatchObject(times);
  });

  test('returns undefined for a missing record', async () => {
    expect(await ways.driver.read('a')).toBeUndefined();
  });

  test('updates only the given version', async () => {
    await ways.driver.create('a', record());
    expect(await ways.driver.update('a', 1, record({ data: '{"n":2}' }))).toBe(true);
    expect(await ways.other.update('a', 1, record({ data: '{"n":3}' }))).toBe(false);
    expect(await ways.driver.read('a')).toMatchObject({ data: '{"n":2}', version: 2 });
  });

  test('update and touch never create a record', async () => {
    expect(await ways.driver.update('a', 1, record())).toBe(false);
    for (const version of [0, 1]) await ways.driver.touch('a', version, 1, 4e12);
    expect(await ways.driver.read('a')).toBeUndefined();
  });

  test('a touch changes the times, but neither data nor version', async () => {
    await ways.driver.create('a', record());
    await ways.driver.touch('a', 1, 5000, 5e12);
    const touched = record({ seenAtMs: 5000, expiresAtMs: 5e12 });
    expect(await ways.other.read('a')).toEqual({ ...touched, key: 'a', version: 1 });
  });

  test('does not touch a record that was changed meanwhile', async () => {
    await ways.driver.create('a', record());
    await ways.other.update('a', 1, record({ expiresAtMs: 5e12 }));
    await ways.driver.touch('a', 1, 5000, 6e12);
    expect(await ways.other.read('a')).toMatchObject({ seenAtMs: 2000, expiresAtMs: 5e12 });
  });

  test('deletes a record, also a missing one', async () => {
    await ways.driver.create('a', record());
    await ways.driver.delete('a');
    await ways.driver.delete('a');
    expect(await ways.other.read('a')).toBeUndefined();
  });

  test('sets a record aside, also a missing one', async () => {
    await ways.driver.create('a', record());
    await ways.driver.setAside('a');
    await ways.driver.setAside('missing');
    expect(await ways.other.read('a')).toBeUndefined();
    expect(await ways.other.update('a', 1, record())).toBe(false);
  });

  test('immediately sees what another driver acknowledged', async () => {
    await ways.driver.create('a', record());
    for (let version = 1; version < 50; version += 1) {
      const [writer, reader] = version % 2 ? [ways.driver, ways.other] : [ways.other, ways.driver];
      expect(await reader.read('a')).toMatchObject({ version });
      await writer.update('a', version, record());
      expect(await reader.read('a')).toMatchObject({ version: version + 1 });
    }
  });

  test('only one of many updates of the same version succeeds', async () => {
    await ways.driver.create('a', record());
    const writers = Array.from({ length: 20 }, (_, n) => (n % 2 ? ways.driver : ways.other));
    const results = await Promise.all(
      writers.map((writer, n) => writer.update('a', 1, record({ data: `{"n":${n}}` }))),
    );
    expect(results.filter(Boolean)).toHaveLength(1);
    expect(await ways.driver.read('a')).toMatchObject({ data: `{"n":${results.indexOf(true)}}`, version: 2 });
  });

  test('loses no increment of writers that retry', async () => {
    await ways.driver.create('a', record({ data: '{"n":0}' }));
    const writers = Array.from({ length: 50 }, (_, n) => (n % 2 ? ways.driver : ways.other));
    await Promise.all(writers.map((writer) => change(writer, 'a', increment)));
    expect(await ways.driver.read('a')).toMatchObject({ data: '{"n":50}', version: 51 });
  });

  test('a record that is deleted while others change and touch it stays deleted', async () => {
    await ways.driver.create('a', record({ data: '{"n":0}' }));
    const writers = Array.from({ length: 20 }, async (_, n) => {
      while (await change(n % 2 ? ways.driver : ways.other, 'a', increment));
      await ways.other.touch('a', n, 1, 4e12);
    });
    await ways.other.delete('a');
    await Promise.all(writers);
    expect(await ways.driver.read('a')).toBeUndefined();
  });

  test('when many callers regenerate one session at once, each gets a new session, and the old session is gone', async () => {
    await ways.driver.create('old', record());
    const regenerate = async (_: unknown, n: number): Promise<unknown> => {
      const [one, two] = n % 2 ? [ways.driver, ways.other] : [ways.other, ways.driver];
      await Promise.all([change(one, 'old', () => `{"n":${n}}`), two.delete('old')]);
      return one.create(`new${n}`, record({ data: `{"n":${n}}` }));
    };
    expect(await Promise.all(Array.from({ length: 20 }, regenerate))).toEqual(Array(20).fill(true));
    expect(await ways.driver.read('old')).toBeUndefined();
    for (let n = 0; n < 20; n++) expect(await ways.other.read(`new${n}`)).toMatchObject({ data: `{"n":${n}}` });
  });

  test('a session expires by the clock of the session layer, and cannot be changed or touched after that', async () => {
    const clock = { now: Date.now() };
    const log = { warn: () => undefined, error: () => undefined };
    const records = new Records(ways.driver, defaultLimits, () => clock.now, log);
    const created = await records.create('a', { userId: 'ann' }, 'k');
    clock.now += defaultLimits.idleMs - 1;
    expect((await records.read('a'))?.data).toEqual({ userId: 'ann' });
    clock.now += 1;
    expect(await records.read('a')).toBeUndefined();
    expect(await records.change(created, () => ({ userId: 'eve' }))).toBeUndefined();
    await records.touch(created);
    expect(await ways.other.read('a')).toMatchObject({ data: '{"userId":"ann"}', expiresAtMs: created.expiresAtMs });
  });

  test('ping resolves', async () => {
    await expect(ways.driver.ping()).resolves.toBeUndefined();
  });
}

import { expect, test } from 'vitest';
import { collect, record, type Ways } from './contract-support.ts';

/** The contract for many records: lists by owner and by expiry, and pruning. */
export function testLists(ways: Ways): void {
  const list = (query: Parameters<Ways['driver']['list']>[0]): Promise<string[]> => collect(ways.other.list(query));

  test('lists by owner, without other owners whose name has the same beginning', async () => {
    await ways.driver.create('a', record({ owner: 'ann' }));
    await ways.driver.create('b', record({ owner: 'anna' }));
    await ways.driver.create('c', record({ owner: 'ann' }));
    await ways.driver.create('d', record());
    expect(await list({ owner: 'ann' })).toEqual(['a', 'c']);
  });

  test.each(['한'.repeat(255), '😀', 'a\0b', '\uffff', '5', 'true', ' ', "'; drop table"])(
    'an owner may have the name %j',
    async (owner) => {
      await ways.driver.create('a', record({ owner }));
      expect(await list({ owner })).toEqual(['a']);
      expect(await ways.other.read('a')).toMatchObject({ owner });
      await ways.driver.update('a', 1, record({ owner: 'bob' }));
      expect([await list({ owner }), await list({ owner: 'bob' })]).toEqual([[], ['a']]);
    },
  );

  test('a deleted record or a record that was set aside is in no list, and is not pruned', async () => {
    for (const key of ['a', 'b', 'c']) await ways.driver.create(key, record({ owner: 'ann', expiresAtMs: 100 }));
    await ways.driver.delete('a');
    await ways.driver.setAside('b');
    expect([await list({}), await list({ owner: 'ann' })]).toEqual([['c'], ['c']]);
    expect(await ways.driver.prune(9000, 10)).toBe(1);
  });

  test('counts the records that were set aside, if it can', async ({ skip }) => {
    const { countSetAside } = ways.driver;
    if (!countSetAside) return skip('the driver cannot count them');
    for (const key of ['a', 'b', 'c']) await ways.driver.create(key, record());
    expect(await countSetAside.call(ways.driver)).toBe(0);
    await ways.driver.setAside('a');
    await ways.driver.setAside('b');
    expect(await countSetAside.call(ways.driver)).toBe(2);
  });

  test('a missing record is in no list after an update or a touch', async () => {
    await ways.driver.update('a', 1, record({ owner: 'ann' }));
    await ways.driver.touch('a', 1, 1, 2);
    expect([await list({}), await list({ owner: 'ann' })]).toEqual([[], []]);
  });

  test('lists in the order of expiry, up to a time and a limit', async () => {
    await ways.driver.create('late', record({ expiresAtMs: 300 }));
    await ways.driver.create('early', record({ expiresAtMs: 100 }));
    await ways.driver.create('middle', record({ expiresAtMs: 200 }));
    expect(await list({})).toEqual(['early', 'middle', 'late']);
    expect(await list({ expiresBeforeMs: 300 })).toEqual(['early', 'middle']);
    expect(await list({ limit: 1 })).toEqual(['early']);
    await ways.driver.touch('early', 1, 1, 400);
    expect(await list({ expiresBeforeMs: 400 })).toEqual(['middle', 'late']);
  });

  test('lists each of many records once and in order, also records with the same expiry', async () => {
    const keys = Array.from({ length: 300 }, (_, n) => `k${String(n).padStart(3, '0')}`);
    const expiryOf = (n: number): number => 4e12 + Math.floor(n / 150);
    const create = (key: string, n: number): Promise<boolean> =>
      ways.driver.create(key, record({ owner: 'ann', expiresAtMs: expiryOf(n) }));
    await Promise.all(keys.map(create));
    for (const query of [{}, { owner: 'ann' }]) {
      expect(await list(query)).toEqual(keys);
      expect(await list({ ...query, limit: 222 })).toEqual(keys.slice(0, 222));
      expect(await list({ ...query, expiresBeforeMs: expiryOf(150), limit: 140 })).toEqual(keys.slice(0, 140));
      expect(await list({ ...query, expiresBeforeMs: expiryOf(150), limit: 222 })).toEqual(keys.slice(0, 150));
    }
  });

  const x = 'x'.repeat(70);
  const owners = [
    'a',
    'a\0',
    'a\0b',
    'a\\',
    'a\\u0000',
    `${x}\x01y`,
    `${x}\0y`,
    x,
    '\x04'.repeat(255),
    '\\'.repeat(255),
    `a\0x\x01${x}`,
  ];

  test.each(owners)('lists only the sessions of the owner %j', async (owner) => {
    await Promise.all(owners.map((name, n) => ways.driver.create(`k${n}`, record({ owner: name }))));
    const found: string[] = [];
    for await (const { key } of ways.driver.list({ owner })) if (found.push(key) > owners.length) break;
    expect(found).toEqual([`k${owners.indexOf(owner)}`]);
    await ways.other.delete(`k${owners.indexOf(owner)}`);
    expect(await list({ owner })).toEqual([]);
  });

  test('lists by the prefix of the session key', async () => {
    const keys = ['Aa', 'Ab', 'AZ', 'A-', 'A_', 'A', 'B', 'BA', '-A', '_A', '0A'];
    await Promise.all(keys.map((key, n) => ways.driver.create(key, record({ expiresAtMs: 4e12 - n, owner: 'ann' }))));
    const sorted = async (query: Parameters<typeof list>[0]): Promise<string[]> => (await list(query)).sort();
    expect(await sorted({ prefix: 'A' })).toEqual(keys.slice(0, 6).sort());
    expect(await sorted({ prefix: '' })).toEqual([...keys].sort());
    for (const prefix of ['Aa', '-', '_', '0A'])
      expect(await list({ prefix })).toEqual(keys.filter((key) => key.startsWith(prefix)));
    expect([await list({ prefix: 'C' }), await list({ prefix: 'Aaa' })]).toEqual([[], []]);
    expect(await sorted({ prefix: 'A', expiresBeforeMs: 4e12 })).toEqual(keys.slice(1, 6).sort());
    expect(await list({ prefix: 'A', limit: 2 })).toHaveLength(2);
  });

  test('a list continues while its records are changed and deleted', async () => {
    for (let n = 0; n < 50; n++) await ways.driver.create(`k${n}`, record({ expiresAtMs: 100 + n }));
    const seen: string[] = [];
    for await (const { key, version } of ways.driver.list({})) {
      seen.push(key);
      await ways.other.update(key, version, record({ expiresAtMs: 50 }));
      if (seen.length === 10) for (let n = 20; n < 50; n++) await ways.other.delete(`k${n}`);
    }
    expect(seen).toEqual(Array.from({ length: 20 }, (_, n) => `k${n}`));
  });

  test('prunes in batches the records that have expired by the given time, and no others', async () => {
    for (const n of [1, 2, 3, 4, 5]) await ways.driver.create(`k${n}`, record({ expiresAtMs: n * 100, owner: 'ann' }));
    expect(await ways.driver.read('k1')).toBeDefined();
    expect(await ways.driver.prune(300, 2)).toBe(2);
    expect(await ways.driver.prune(300, 10)).toBe(1);
    expect(await ways.driver.prune(300, 10)).toBe(0);
    expect(await ways.driver.prune(399, 10)).toBe(0);
    expect(await list({ owner: 'ann' })).toEqual(['k4', 'k5']);
  });

  test('a record may have an expiry at any time in the past: it is listed first, and pruned', async () => {
    await ways.driver.create('late', record({ expiresAtMs: 100 }));
    await ways.driver.create('created', record({ expiresAtMs: -1e15 }));
    await ways.driver.create('touched', record());
    await ways.driver.touch('touched', 1, 1, -8e15);
    expect((await list({})).at(-1)).toBe('late');
    expect(await ways.driver.prune(10, 10)).toBe(2);
  });
}

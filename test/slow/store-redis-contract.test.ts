import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Driver } from '../../src/stores/driver.ts';
import { open } from '../../src/stores/redis/driver.ts';
import { describeDriver } from '../stores/contract.ts';
import type { Subject } from '../stores/contract-support.ts';
import { collect, record } from '../stores/contract-support.ts';
import { RedisServer, redisModule, redisPrograms, skipMissingPrograms } from '../support/redis-server.ts';

skipMissingPrograms('the redis driver');

const hourMs = 60 * 60 * 1000;

describe.each(redisPrograms)('on %s', (program) => {
  let server: RedisServer;
  let admin: ReturnType<typeof createClient>;
  let names = 0;

  beforeAll(async () => {
    server = await new RedisServer(program).start();
    admin = createClient({ url: server.url });
    await admin.connect();
  });

  afterAll(async () => {
    admin.destroy();
    await server.remove();
  });

  const createSubject = (): Subject => {
    names += 1;
    const args: [string, string] = [server.url, `environment-${names}`];
    return { open: () => open(...args), remove: async () => undefined, module: redisModule, args };
  };

  /** A driver for an empty server. */
  async function openEmpty(name = 'environment', url = server.url): Promise<Driver> {
    await admin.flushAll();
    return openAgain(name, url);
  }

  async function openAgain(name = 'environment', url = server.url): Promise<Driver> {
    const driver = await open(url, name);
    onTestFinished(() => driver.close());
    return driver;
  }

  const keys = async (): Promise<string[]> => (await admin.keys('*')).sort();

  describeDriver('redis', createSubject, 10_000);

  test('no call scans all keys', async () => {
    const driver = await openEmpty();
    await driver.create('a', record({ owner: 'ann', expiresAtMs: 100 }));
    for (const query of [{}, { owner: 'ann' }]) expect(await collect(driver.list(query))).toEqual(['a']);
    await driver.prune(200, 10);
    const stats = await admin.info('commandstats');
    expect(stats).toMatch(/^cmdstat_evalsha:/m);
    expect(stats).not.toMatch(/^cmdstat_(keys|scan|zscan|hscan|sscan):/m);
  });

  test('all Redis keys of an environment contain its name and a hash tag', async () => {
    const driver = await openEmpty('shop-1a2b3c4d');
    for (const key of ['a', 'b']) await driver.create(key, record({ owner: 'ann' }));
    expect(await keys()).toEqual(
      ['a', 'b'].flatMap((part) =>
        ['by-expiry', 'by-owner', `record:${part}`].map((name) => `sessapp:{shop-1a2b3c4d:${part}}:${name}`),
      ),
    );
  });

  test('environments with different names on one server have separate sessions, whatever the names contain', async () => {
    const drivers = [await openEmpty('a'), await openAgain('b'), await openAgain('a}:{b'), await openAgain('a:a')];
    for (const [number, driver] of drivers.entries()) await driver.create('a', record({ data: `${number}` }));
    for (const [number, driver] of drivers.entries()) {
      expect(await driver.read('a')).toMatchObject({ data: `${number}` });
      expect(await collect(driver.list({}))).toEqual(['a']);
    }
  });

  test('a record changes together with its index entries, and nothing else is stored', async () => {
    const driver = await openEmpty();
    await driver.create('a', record({ owner: 'ann', expiresAtMs: 100 }));
    await driver.update('a', 1, record({ owner: 'bob', expiresAtMs: 200 }));
    await driver.touch('a', 2, 1, 300);
    expect(await admin.zRange('sessapp:{environment:a}:by-expiry', 0, -1)).toEqual(['000000000000300a']);
    expect(await admin.zRange('sessapp:{environment:a}:by-owner', 0, -1)).toEqual(['"bob"a']);
    await driver.update('a', 2, record({ expiresAtMs: 400 }));
    expect(await keys()).toEqual(['sessapp:{environment:a}:by-expiry', 'sessapp:{environment:a}:record:a']);
    expect(await driver.prune(400, 10)).toBe(1);
    expect(await keys()).toEqual([]);
  });

  test('Redis deletes a record that is not pruned at least a day after its expiry, whatever the clocks say', async () => {
    const driver = await openEmpty();
    await driver.create('a', record({ owner: 'ann', expiresAtMs: Date.now() + hourMs }));
    const lives = async (): Promise<number[]> => Promise.all((await keys()).map((key) => admin.pTTL(key)));
    for (const life of await lives()) expect(life / hourMs).toBeCloseTo(25, 1);
    // A session that expired long ago by this clock may be live by the clock of another server.
    await driver.create('old', record({ expiresAtMs: 100 }));
    expect(await driver.read('old')).toBeDefined();
    await driver.touch('a', 1, 1, Date.now() + 5 * hourMs);
    await driver.create('another', record({ owner: 'ann', expiresAtMs: Date.now() + hourMs }));
    const index = ['by-expiry', 'by-owner', 'record:a'].map((name) => `sessapp:{environment:a}:${name}`);
    for (const key of index) expect((await admin.pTTL(key)) / hourMs).toBeCloseTo(29, 1);
  });

  test('an entry without a record is in no list, and is removed by pruning or by a list of the owner', async () => {
    const driver = await openEmpty();
    for (const key of ['a', 'a2']) await driver.create(key, record({ owner: 'ann', expiresAtMs: 100 }));
    await admin.del('sessapp:{environment:a}:record:a');
    expect([await collect(driver.list({})), await collect(driver.list({ owner: 'ann' }))]).toEqual([['a2'], ['a2']]);
    expect(await admin.zRange('sessapp:{environment:a}:by-owner', 0, -1)).toEqual(['"ann"a2']);
    expect(await driver.prune(200, 10)).toBe(2);
    expect(await keys()).toEqual([]);
  });

  test.each([
    ['text', (key: string) => admin.set(key, 'hello')],
    ['an empty text', (key: string) => admin.set(key, '')],
    ['a record whose owner is not JSON', (key: string) => admin.set(key, 'x\n1\n1\n1\n{\n\n{}')],
    ['a list', (key: string) => admin.rPush(key, 'hello')],
  ])('%s instead of a record is read as a record without data, and is kept when it is set aside', async (_, put) => {
    const driver = await openEmpty();
    await driver.create('a', record({ expiresAtMs: 100 }));
    const name = 'sessapp:{environment:a}:record:a';
    await admin.del(name);
    await put(name);
    const dump = await admin.dump(name);
    expect(await driver.read('a')).toEqual({ key: 'a' });
    expect(await collect(driver.list({}))).toEqual(['a']);
    expect(await driver.update('a', 1, record())).toBe(false);
    expect(await driver.create('a', record())).toBe(false);
    await driver.touch('a', 1, 1, 1);
    await driver.setAside('a');
    expect(await driver.read('a')).toBeUndefined();
    const aside = 'sessapp:{environment:a}:aside:a';
    expect([await admin.dump(aside), await admin.ttl(aside)]).toEqual([dump, -1]);
    expect(await driver.prune(200, 10)).toBe(1);
    expect(await driver.countSetAside?.()).toBe(1);
    expect(await keys()).toEqual([aside, 'sessapp:{environment:a}:set-aside']);
  });

  test('two processes that prune at once prune each record once, and no record that was extended meanwhile', async () => {
    const driver = await openEmpty();
    const other = await openAgain();
    const all = Array.from({ length: 200 }, (_, n) => `${'abcd'.charAt(n % 4)}${n}`);
    await Promise.all(all.map((key) => driver.create(key, record({ expiresAtMs: 100 }))));
    const prunes = [driver.prune(200, 150), other.prune(200, 150)];
    const moves = all.slice(100).map((key) => driver.touch(key, 1, 1, 300));
    const [first = 0, second = 0] = await Promise.all(prunes);
    await Promise.all(moves);
    const left = await collect(driver.list({}));
    expect(first + second + left.length).toBe(200);
    expect(await driver.prune(300, 1000)).toBe(left.length);
    expect(await keys()).toEqual([]);
  });

  test('lists many pages of many partitions in one order, also records with the same expiry', async () => {
    const driver = await openEmpty();
    const all = Array.from({ length: 600 }, (_, n) => `${'aZ_'.charAt(n % 3)}${n}`);
    const expiresAtMs = (key: string): number => 100 + (Number(key.slice(1)) % 2);
    await Promise.all(all.map((key) => driver.create(key, record({ owner: 'ann', expiresAtMs: expiresAtMs(key) }))));
    const sorted = all.toSorted((a, b) => expiresAtMs(a) - expiresAtMs(b) || (a < b ? -1 : 1));
    expect(await collect(driver.list({}))).toEqual(sorted);
    expect(await collect(driver.list({ expiresBeforeMs: 101 }))).toEqual(sorted.slice(0, 300));
    expect(await collect(driver.list({ owner: 'ann' }))).toEqual(all.toSorted());
    expect(await collect(driver.list({ limit: 201 }))).toEqual(sorted.slice(0, 201));
  });

  test('a list includes records that move to its end while it is read', async () => {
    const driver = await openEmpty();
    const all = Array.from({ length: 40 }, (_, n) => `${'ab'.charAt(n % 2)}${n}`);
    for (const [n, key] of all.entries()) await driver.create(key, record({ expiresAtMs: 100 + n }));
    const seen: string[] = [];
    for await (const { key } of driver.list({})) {
      if (seen.length === 0) for (const moving of all.slice(20, 30)) await driver.touch(moving, 1, 1, 500);
      seen.push(key);
    }
    expect(new Set(seen)).toEqual(new Set(all));
  });

  test('a full Redis refuses writes, and nothing is partly changed', async () => {
    const driver = await openEmpty();
    await driver.create('a', record({ owner: 'ann' }));
    onTestFinished(() => void admin.configSet('maxmemory', '0'));
    await admin.configSet('maxmemory', '1');
    await expect(driver.create('b', record({ owner: 'ann' }))).rejects.toThrow(/OOM/);
    expect(await driver.read('a')).toMatchObject({ version: 1 });
    await driver.delete('a');
    expect(await keys()).toEqual([]);
  });

  test.each([
    ['has too few replicas', { 'min-replicas-to-write': '1' }, { 'min-replicas-to-write': '0' }, /NOREPLICAS/],
    ['is full', { maxmemory: '1' }, { maxmemory: '0' }, /OOM/],
  ])(
    'a Redis that %s refuses a ping as it refuses changes; a ping leaves nothing in the store',
    async (_, harm, mend, why) => {
      const driver = await openEmpty();
      onTestFinished(() => void admin.configSet(mend));
      await driver.ping();
      await admin.configSet(harm);
      await expect(driver.ping()).rejects.toThrow(why);
      expect(await driver.read('a')).toBeUndefined();
      await admin.configSet(mend);
      await driver.ping();
      expect(await keys()).toEqual([]);
    },
  );

  test('a server that has lost the scripts gets them again', async () => {
    const driver = await openEmpty();
    await driver.create('a', record());
    await admin.scriptFlush();
    expect(await driver.update('a', 1, record())).toBe(true);
  });

  test('each setting that can lose sessions has a warning, and no other setting has one', async () => {
    const driver = await openEmpty();
    onTestFinished(async () => {
      await admin.configSet({ 'maxmemory-policy': 'noeviction', appendonly: 'no', save: '' });
    });
    const noPersistence = expect.stringMatching(/^Redis loses all sessions when it restarts: .*appendonly yes/);
    expect(await driver.warnings?.()).toEqual([noPersistence]);
    await admin.configSet('maxmemory-policy', 'allkeys-lru');
    expect(await driver.warnings?.()).toEqual([noPersistence, expect.stringMatching(/allkeys-lru.*noeviction/)]);
    await admin.configSet({ 'maxmemory-policy': 'noeviction', appendonly: 'yes' });
    expect(await driver.warnings?.()).toEqual([]);
    await admin.configSet({ appendonly: 'no', save: '3600 1' });
    expect(await driver.warnings?.()).toEqual([]);
  });

  test('the driver works as a user with only the permissions that it needs', async () => {
    onTestFinished(() => void admin.aclDelUser('driver'));
    const rights = ['~sessapp:*', '+@scripting', '+@read', '+@write', '+@connection', '-@dangerous'];
    await admin.aclSetUser('driver', ['reset', 'on', '>secret-word', ...rights]);
    const url = server.url.replace('//', '//driver:secret-word@');
    const driver = await openEmpty('environment', url);
    await driver.create('a', record({ owner: 'ann', expiresAtMs: 100 }));
    expect(await collect(driver.list({ owner: 'ann' }))).toEqual(['a']);
    expect(await driver.prune(200, 1)).toBe(1);
    expect(await driver.warnings?.()).toEqual([]);
  });

  test('a wrong password rejects a call, and the error does not contain it', async () => {
    const driver = await openAgain('environment', server.url.replace('//', '//nobody:not-the-word@'));
    const error = await driver.ping().catch((caught: Error) => caught);
    expect(String(error)).toMatch(/WRONGPASS|AUTH/);
    expect(String(error)).not.toContain('not-the-word');
  });

  test('a call to a server that is not running yet rejects, and the driver finds the server once it runs', async () => {
    const late = await new RedisServer(program).choosePort();
    onTestFinished(() => late.remove());
    const driver = await openAgain('environment', late.url);
    await expect(driver.read('a')).rejects.toThrow(`127.0.0.1:${late.port}: connect ECONNREFUSED`);
    await late.start();
    await expect.poll(() => driver.ping().then(() => 'works', String), { timeout: 10_000 }).toBe('works');
  });
});

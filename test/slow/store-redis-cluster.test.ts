import { createHash } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Driver } from '../../src/stores/driver.ts';
import { open } from '../../src/stores/redis/driver.ts';
import { describeDriver } from '../stores/contract.ts';
import { collect, record } from '../stores/contract-support.ts';
import { Load } from '../stores/outage.ts';
import { RedisCluster } from '../support/redis-cluster.ts';
import { type RedisServer, redisModule, redisPrograms, skipMissingPrograms } from '../support/redis-server.ts';
import { waitFor } from '../support/server.ts';

skipMissingPrograms('the redis driver on a cluster');

/** Keys in the format of session keys. */
const realKeys = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => createHash('sha256').update(`${n}`).digest('base64url'));

describe.each(redisPrograms)('on a cluster of %s', (program) => {
  describe('with all nodes', () => {
    let cluster: RedisCluster;
    let names = 0;

    beforeAll(async () => {
      cluster = await RedisCluster.start(program);
    });

    afterAll(() => cluster.remove());

    describeDriver('redis', () => {
      names += 1;
      const args: [string, string] = [cluster.masters[0]?.url as string, `environment-${names}`];
      return { open: () => open(...args), remove: async () => undefined, module: redisModule, args };
    });

    test('the nodes share the sessions, and every list has all of them', async () => {
      for (const node of cluster.masters) await cluster.send(node, 'FLUSHALL');
      const driver = await open(cluster.masters[1]?.url as string, 'spread');
      const keys = realKeys(600);
      const expiry = new Map(keys.map((key, n) => [key, 100 + n]));
      await Promise.all(
        keys.map((key) => driver.create(key, record({ owner: 'ann', expiresAtMs: expiry.get(key) as number }))),
      );
      for (const node of cluster.masters) expect(await cluster.send(node, 'DBSIZE')).toBeGreaterThan(100);
      expect(await collect(driver.list({}))).toEqual(keys);
      expect(await collect(driver.list({ owner: 'ann' }))).toEqual(keys.toSorted());
      expect(await driver.warnings?.()).toEqual([]);
      expect(await driver.prune(399, 1000)).toBe(300);
      expect(await collect(driver.list({}))).toEqual(keys.slice(300));
      await driver.close();
    });

    test('sessions whose slot moves to another node are found there', async () => {
      const driver = await open(cluster.masters[0]?.url as string, 'moving');
      await driver.create('a', record({ data: '0' }));
      const arrive = await cluster.moveSlot('{moving:a}');
      // The slot is being moved: the new node has the session, and the old node gets the request first.
      expect(await driver.read('a')).toMatchObject({ data: '0' });
      await arrive();
      expect(await driver.update('a', 1, record({ data: '1' }))).toBe(true);
      expect(await driver.read('a')).toMatchObject({ data: '1', version: 2 });
      await driver.close();
    });

    test('a change of a session whose slot is being moved waits for the move, at most for the time of a call', async () => {
      const driver = await open(cluster.masters[0]?.url as string, 'changing');
      for (const key of ['a', 'b']) await driver.create(key, record({ data: '0' }));
      const arrive = await cluster.moveSlot('{changing:a}');
      const change = (): Promise<boolean> => driver.update('a', 1, record({ data: '1' }));
      const startMs = performance.now();
      await expect(change()).rejects.toThrow(/TRYAGAIN/);
      expect(performance.now() - startMs).toBeLessThan(2000);
      const changed = change();
      await wait(800);
      expect(await driver.update('b', 1, record({ data: '1' }))).toBe(true);
      await arrive();
      expect(await changed).toBe(true);
      expect(await driver.read('a')).toMatchObject({ data: '1', version: 2 });
      await driver.close();
    });

    test('a database number fails with the reason that a cluster has no databases', async () => {
      const driver = await open(`${cluster.masters[0]?.url}/1`, 'environment');
      await expect(driver.ping()).rejects.toThrow('SELECT is not allowed in cluster mode');
      await driver.close();
    });
  });

  describe('after the loss of a node', () => {
    let cluster: RedisCluster;
    let driver: Driver;

    beforeEach(async () => {
      cluster = await RedisCluster.start(program);
    });

    afterEach(async () => {
      for (const node of cluster.nodes) await node.resume();
      await driver.close();
      await cluster.remove();
    });

    test.each([
      ['killed', (node: RedisServer) => node.kill()],
      ['paused', (node: RedisServer) => node.pause()],
    ])(
      'when a node is %s, its replica takes over, other sessions stay available, and its sessions come back automatically',
      async (_, harm) => {
        const [lost, ...others] = cluster.masters as [RedisServer, ...RedisServer[]];
        // The address names only the node that is lost.
        driver = await open(lost.url, 'environment');
        const load = await Load.start(driver, 32);
        load.run();
        await load.untilAcknowledged(3);
        await cluster.send(lost, 'WAIT', 1, 5000);
        await harm(lost);
        await waitFor(async () => (await cluster.roleOf(cluster.replica)) === 'master', 30_000);
        await cluster.untilWhole([cluster.replica, ...others]);
        await load.untilRecovered();
        await load.untilAcknowledged(3);
        await load.stop();
        load.expectPromisesKept();
        expect(load.refused).toBeGreaterThan(0);
        expect(load.usersNeverRefused).toBeGreaterThan(0);
      },
    );

    test('without a replica, its sessions come back with the node', async () => {
      const [, lost] = cluster.masters as [RedisServer, RedisServer];
      driver = await open(cluster.masters[0]?.url as string, 'environment');
      const load = await Load.start(driver, 32);
      load.run();
      await load.untilAcknowledged(3);
      await lost.kill();
      await load.during(3000);
      await lost.start();
      await cluster.untilWhole();
      await load.untilRecovered();
      await load.untilAcknowledged(3);
      await load.stop();
      load.expectPromisesKept();
      expect(load.refused).toBeGreaterThan(0);
    });
  });
});

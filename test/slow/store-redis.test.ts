import { describe, expect, onTestFinished, test } from 'vitest';
import type { Driver } from '../../src/stores/driver.ts';
import { open } from '../../src/stores/redis/driver.ts';
import { record } from '../stores/contract-support.ts';
import { describeOutage, Load } from '../stores/outage.ts';
import { RedisServer, redisPrograms, sendTo, skipMissingPrograms } from '../support/redis-server.ts';
import { waitFor } from '../support/server.ts';

skipMissingPrograms('the redis driver through an outage');

/** With these options, Redis keeps every acknowledged write. */
const durable = ['--appendonly', 'yes', '--appendfsync', 'always'];

async function openAt(url: string): Promise<Driver> {
  const driver = await open(url, 'environment');
  onTestFinished(() => driver.close());
  return driver;
}

describe.each(redisPrograms)('on %s', (program) => {
  describeOutage('Redis', async () => {
    const server = await new RedisServer(program, ...durable).choosePort();
    return {
      start: async () => void (await server.start()),
      kill: () => server.kill(),
      pause: () => server.pause(),
      resume: () => server.resume(),
      remove: () => server.remove(),
      open: () => open(server.url, 'environment'),
    };
  });

  async function startPair(): Promise<{ primary: RedisServer; replica: RedisServer; url: string }> {
    const primary = await new RedisServer(program).start();
    const replica = await new RedisServer(program, '--replicaof', `127.0.0.1 ${primary.port}`).start();
    onTestFinished(async () => {
      await primary.remove();
      await replica.remove();
    });
    await waitFor(async () => (await sendTo(replica, 'ROLE')).includes('connected'), 30_000);
    return { primary, replica, url: `${primary.url},127.0.0.1:${replica.port}` };
  }

  test('of a primary and its replica, the server that accepts writes is used, in any order in the address', async () => {
    const { primary, replica, url } = await startPair();
    const names = [url, `${replica.url},127.0.0.1:${primary.port}`];
    for (const [number, name] of names.entries()) {
      const driver = await openAt(name);
      expect(await driver.create(`${number}`, record())).toBe(true);
    }
    const alone = await openAt(replica.url);
    await expect(alone.ping()).rejects.toThrow(/a replica, which does not accept writes/);
  });

  test.each([
    ['dies', (primary: RedisServer) => primary.kill()],
    [
      'is made a replica itself',
      (primary: RedisServer, { port }: RedisServer) => sendTo(primary, `REPLICAOF 127.0.0.1 ${port}`),
    ],
  ])('when a primary %s, the replica that replaced it is used', async (_, harm) => {
    const { primary, replica, url } = await startPair();
    const load = await Load.start(await openAt(url));
    load.run();
    await load.untilAcknowledged(3);
    await waitFor(async () => (await sendTo(primary, 'WAIT 1 5000')).includes(':1'), 30_000);
    await sendTo(replica, 'REPLICAOF NO ONE');
    await harm(primary, replica);
    await load.untilRecovered();
    await load.untilAcknowledged(3);
    await load.stop();
    load.expectPromisesKept();
  });

  test('the calls that wait for a paused server are limited in number and size', async () => {
    const server = await new RedisServer(program).start();
    onTestFinished(() => server.remove());
    const driver = await openAt(server.url);
    await driver.ping();
    await server.pause();
    const reasons = async (calls: Promise<unknown>[]): Promise<string[]> => {
      const results = await Promise.allSettled(calls);
      return results.map((result) => (result.status === 'rejected' ? String(result.reason) : 'fulfilled'));
    };
    const data = 'x'.repeat(2 ** 18);
    const large = await reasons(Array.from({ length: 300 }, (_, n) => driver.create(`${n}`, record({ data }))));
    expect(large.filter((reason) => /did not respond/.test(reason))).toHaveLength(255);
    expect(large.filter((reason) => /already has 255 pending calls/.test(reason))).toHaveLength(45);
    await server.resume();
    await waitFor(() =>
      driver.ping().then(
        () => true,
        () => false,
      ),
    );
    await server.pause();
    const many = await reasons(Array.from({ length: 10_100 }, (_, n) => driver.read(`${n}`)));
    expect(many.filter((reason) => /already has 10000 pending calls/.test(reason))).toHaveLength(100);
    await server.resume();
  });
});

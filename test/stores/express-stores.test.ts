import { promisify } from 'node:util';
import session from 'express-session';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { driverOf } from '../../src/stores/express.ts';
import { describeExpressStore } from './contract.ts';
import { record } from './contract-support.ts';

describeExpressStore('express-session’s MemoryStore', () => new session.MemoryStore());

/** A store as some are: it says of a missing session that it has no such file. */
class FileLikeStore extends session.MemoryStore {
  override get(id: string, callback: Parameters<session.MemoryStore['get']>[1]): void {
    super.get(id, (error, data) => (data ? callback(error, data) : callback(missing())));
  }

  override destroy(id: string, callback: (error?: unknown) => void = () => undefined): void {
    super.get(id, (_, data) => (data ? super.destroy(id, callback) : callback(missing())));
  }
}

function missing(): Error {
  return Object.assign(new Error('no such file'), { code: 'ENOENT' });
}

describeExpressStore('a store that has ENOENT for a missing session', () => new FileLikeStore());

test('any other error of such a store is an error, also one that it throws', async () => {
  const store = new session.MemoryStore();
  const driver = driverOf(store);
  await driver.create('a', record());
  store.get = (_, callback) => callback(new Error('broken'));
  await expect(driver.read('a')).rejects.toThrow('broken');
  store.get = () => {
    throw new Error('thrown');
  };
  await expect(driver.update('a', 2, record())).rejects.toThrow('thrown');
  expect(() => driver.list({})).toThrow('has no lists');
});

test('the same store has the same driver, so that all its users in a process see each other’s changes', () => {
  const store = new session.MemoryStore();
  expect(driverOf(store)).toBe(driverOf(store));
  expect(driverOf(store)).not.toBe(driverOf(new session.MemoryStore()));
});

describe('a change after a read', () => {
  afterEach(() => void vi.useRealTimers());

  test('does not read again', async () => {
    const { driver, store } = await create();
    const read = vi.spyOn(store, 'get');
    expect((await driver.read('a'))?.version).toBe(1);
    expect(await driver.update('a', 1, record({ data: '{"n":2}' }))).toBe(true);
    expect(await driver.update('a', 2, record({ data: '{"n":3}' }))).toBe(true);
    expect(read).toHaveBeenCalledTimes(1);
    expect(await driver.read('a')).toMatchObject({ data: '{"n":3}', version: 3 });
  });

  test('reads again when the read was long ago, and sees what another process has done', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { driver, store } = await create();
    await driver.read('a');
    await promisify(store.destroy).call(store, 'a');
    vi.advanceTimersByTime(200);
    expect(await driver.update('a', 1, record())).toBe(false);
    expect(await driver.read('a')).toBeUndefined();
  });

  test.each(['update', 'delete'] as const)('does not trust a read that a %s has overtaken', async (method) => {
    const { driver, store } = await create();
    const get = store.get.bind(store);
    let late: Promise<unknown> = Promise.resolve();
    const deliver = await new Promise<() => void>((resolve) => {
      store.get = (id, callback) => get(id, (error, data) => resolve(() => callback(error, data)));
      late = driver.read('a');
    });
    store.get = get;
    await (method === 'update' ? driver.update('a', 1, record({ data: '{"n":2}' })) : driver.delete('a'));
    deliver();
    expect(await late).toMatchObject({ version: 1 });
    expect(await driver.update('a', 1, record({ data: '{"n":3}' }))).toBe(false);
    expect((await driver.read('a'))?.data).toBe(method === 'update' ? '{"n":2}' : undefined);
  });

  test('reads again after a write that failed, which may have been stored', async () => {
    const { driver, store } = await create();
    const set = store.set.bind(store);
    store.set = (id, data, callback) => set(id, data, () => callback?.(new Error('the connection was lost')));
    await expect(driver.update('a', 1, record({ data: '{"n":2}' }))).rejects.toThrow('lost');
    store.set = set;
    expect(await driver.update('a', 1, record({ data: '{"n":3}' }))).toBe(false);
    expect(await driver.read('a')).toMatchObject({ data: '{"n":2}', version: 2 });
  });
});

async function create() {
  const store = new session.MemoryStore();
  const driver = driverOf(store);
  await driver.create('a', record());
  return { store, driver };
}

import session, { type SessionData } from 'express-session';
import { expect, test } from 'vitest';
import { driverOf } from '../../src/stores/express.ts';
import { describeExpressStore } from './contract.ts';
import { record } from './contract-support.ts';

describeExpressStore('express-session’s MemoryStore', () => new session.MemoryStore());

/** A store that fails with ENOENT for a missing session, as some do. */
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

describeExpressStore('a store that fails with ENOENT for a missing session', () => new FileLikeStore());

test('any other error of such a store is an error, also when it is thrown', async () => {
  const store = new session.MemoryStore();
  const driver = driverOf(store);
  await driver.create('a', record());
  store.get = (_, callback) => callback(new Error('broken'));
  await expect(driver.read('a')).rejects.toThrow('broken');
  store.get = () => {
    throw new Error('thrown');
  };
  await expect(driver.update('a', 1, record())).rejects.toThrow('thrown');
});

/** As connect-redis does, `touch` extends a session without changing the text that is stored. */
class TouchedStore extends session.MemoryStore {
  readonly #kept = new Map<string, string>();

  override get(id: string, callback: Parameters<session.MemoryStore['get']>[1]): void {
    const text = this.#kept.get(id);
    callback(undefined, text === undefined ? null : JSON.parse(text));
  }

  override set(id: string, data: SessionData, callback: (error?: unknown) => void = () => undefined): void {
    this.#kept.set(id, JSON.stringify(data));
    callback();
  }

  override touch(_id: string, _data: SessionData, callback: () => void = () => undefined): void {
    callback();
  }
}

test('a session that express-session has extended only in its store is live, and due to be marked as seen', async () => {
  const driver = driverOf(new TouchedStore(), { idleMs: 1000 });
  const nowMs = Date.now();
  const times = { createdAtMs: nowMs - 5000, seenAtMs: nowMs - 2000, expiresAtMs: nowMs - 1000 };
  await driver.create('a', record({ ...times, owner: 'ann' }));
  const found = await driver.read('a');
  expect(found).toMatchObject({ createdAtMs: times.createdAtMs, owner: 'ann', version: 1 });
  expect(found?.expiresAtMs).toBeGreaterThanOrEqual(nowMs + 1000);
  expect(found?.seenAtMs).toBeLessThan(Date.now() - 100);
  expect(await driver.update('a', 1, record())).toBe(true);
});

test('a session that express-session stored again without an expiry was created before it was seen', async () => {
  const store = new session.MemoryStore();
  const driver = driverOf(store);
  const nowMs = Date.now();
  await driver.create('a', record({ createdAtMs: nowMs - 1000, seenAtMs: nowMs - 500, expiresAtMs: nowMs + 5000 }));
  const { sessions } = store as unknown as { sessions: Record<string, string> };
  const stored = JSON.parse(sessions.a ?? '');
  sessions.a = JSON.stringify({ ...stored, cookie: { ...stored.cookie, expires: null } });
  expect(await driver.read('a')).toMatchObject({ createdAtMs: nowMs - 1000, seenAtMs: nowMs - 1000 });
});

test.each([
  [1001, {}, 201],
  [1001, { absoluteMs: 500 }, 100],
])(
  'a session without times, with an idle time of %i ms and %j, gets times in whole milliseconds',
  async (idleMs, form, ms) => {
    const store = new session.MemoryStore();
    store.set('a', { cookie: { originalMaxAge: null } } as unknown as SessionData, () => undefined);
    const found = await driverOf(store, { idleMs, ...form }).read('a');
    const seenAtMs = (found?.expiresAtMs ?? 0) - idleMs - ms;
    expect(found).toMatchObject({ createdAtMs: seenAtMs, seenAtMs });
  },
);

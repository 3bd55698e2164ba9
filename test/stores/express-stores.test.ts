import session from 'express-session';
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

describeExpressStore('a store that has ENOENT for a missing session', () => new FileLikeStore());

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

import { randomBytes } from 'node:crypto';
import type { Driver } from '../../stores/driver.ts';

/** Keeps a record in a store during some work. The record is expired, so it is not a session and may be pruned at any time. */
export async function withProbe<T>(driver: Driver, work: (key: string) => Promise<T>): Promise<T> {
  const key = randomBytes(32).toString('base64url');
  const isWritten = await driver.create(key, { data: '{}', createdAtMs: 0, seenAtMs: 0, expiresAtMs: 1 });
  if (!isWritten) throw new Error('it did not accept a new record');
  try {
    return await work(key);
  } finally {
    await driver.delete(key);
  }
}

/** Writes a record and deletes it. */
export async function probe(driver: Driver): Promise<void> {
  const deleted = await withProbe(driver, async (key) => key);
  if (await driver.read(deleted)) throw new Error('it did not delete a record');
}

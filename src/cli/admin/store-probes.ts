import { createHash, randomBytes } from 'node:crypto';
import type { StoredSession } from './store-calls.ts';

/** The part of a driver that changes single records. */
export interface Changing {
  read(key: string): Promise<StoredSession | undefined>;
  /** False: there is such a key already. */
  create(key: string, record: Omit<StoredSession, 'key' | 'version'>): Promise<boolean>;
  delete(key: string): Promise<void>;
}

/** Writes a record and deletes it. Nobody takes it for a session: it has expired, and who deletes expired ones may delete it. */
export async function probe(driver: Changing): Promise<void> {
  const key = createHash('sha256').update(randomBytes(32)).digest('base64url');
  const written = await driver.create(key, { data: '{}', createdAtMs: 0, seenAtMs: 0, expiresAtMs: 1 });
  if (!written) throw new Error('it did not take a new record');
  await driver.delete(key);
  if (await driver.read(key)) throw new Error('it did not delete a record');
}

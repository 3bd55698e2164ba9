import { createHash, randomBytes } from 'node:crypto';
import type { Driver } from '../../stores/driver.ts';

/** Writes a record and deletes it. Nobody takes it for a session: it has expired, and who deletes expired ones may delete it. */
export async function probe(driver: Driver): Promise<void> {
  const key = createHash('sha256').update(randomBytes(32)).digest('base64url');
  const written = await driver.create(key, { data: '{}', createdAtMs: 0, seenAtMs: 0, expiresAtMs: 1 });
  if (!written) throw new Error('it did not take a new record');
  await driver.delete(key);
  if (await driver.read(key)) throw new Error('it did not delete a record');
}

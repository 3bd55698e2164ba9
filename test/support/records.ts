import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SessionRecord, StoredRecord } from '../../src/stores/driver.ts';
import { open } from '../../src/stores/embedded/driver.ts';

export const hourMs = 3_600_000;

export type Given = Partial<SessionRecord> & { key?: string };

/** A session that was created three hours ago, last seen two hours ago, and expires in an hour. */
export function record(given: Given = {}): SessionRecord {
  const { key: _, ...changes } = given;
  const now = Date.now();
  const times = { createdAtMs: now - 3 * hourMs, seenAtMs: now - 2 * hourMs, expiresAtMs: now + hourMs };
  return { data: '{"username":"ann"}', ...times, ...changes };
}

/** A session key in the format of the session layer. */
export function keyOf(name: string | number): string {
  return createHash('sha256').update(String(name)).digest('base64url');
}

/** Makes these the only sessions of an environment without a running server. The index of each determines its key. */
export async function fill(environment: string, records: Given[]): Promise<void> {
  await removeData(environment);
  await add(environment, records);
}

/** Removes an environment's data. A running dashboard may add files to it meanwhile. */
export async function removeData(environment: string): Promise<void> {
  await rm(join(environment, 'data'), { recursive: true, force: true, maxRetries: 10 });
}

/** Writes these records to an environment's store. */
export async function add(environment: string, records: Given[]): Promise<void> {
  const driver = await open(join(environment, 'data', 'sessions'));
  await Promise.all(records.map((given, n) => driver.create(given.key ?? keyOf(n), record(given))));
  await driver.close();
}

/** All records in an environment's store, sorted by key. */
export async function stored(environment: string): Promise<StoredRecord[]> {
  const driver = await open(join(environment, 'data', 'sessions'));
  const found: StoredRecord[] = [];
  for await (const entry of driver.list({ prefix: '' })) found.push(entry);
  await driver.close();
  return found;
}

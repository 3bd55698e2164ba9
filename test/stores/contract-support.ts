import type { Driver, SessionRecord, StoredRecord } from '../../src/stores/driver.ts';

/** Two ways to one store, as two processes have them. */
export interface Ways {
  driver: Driver;
  other: Driver;
}

/** A record that has not expired by any clock. */
export function record(changes: Partial<SessionRecord> = {}): SessionRecord {
  return { data: '{"username":"guest"}', createdAtMs: 1000, seenAtMs: 2000, expiresAtMs: 4e12, ...changes };
}

export async function collect(records: AsyncIterable<StoredRecord>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of records) keys.push(key);
  return keys;
}

/** Changes what is stored now, again and again until that got on. False: the record is gone. */
export async function change(driver: Driver, key: string, toData: (data: string) => string): Promise<boolean> {
  for (;;) {
    const found = await driver.read(key);
    if (!found) return false;
    const { key: _, version, ...rest } = found;
    if (await driver.update(key, version, { ...rest, data: toData(found.data) })) return true;
  }
}

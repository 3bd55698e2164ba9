import type { Driver, SessionRecord, StoredRecord } from '../../src/stores/driver.ts';

export interface Subject {
  /** Opens a driver on one and the same store, which is empty at the first call of each test. */
  open(): Promise<Driver>;
  /** Removes the store. */
  remove(): Promise<void>;
  /** How another process opens the same store: the driver's built file, and what its `open` is given. */
  module: string;
  args: unknown[];
  /** Creates so many records of one owner, `ann`, at once, for a store that takes long to create them one by one. */
  fill?(count: number, bytes: number): Promise<void>;
}

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

import type { Driver, SessionRecord, StoredRecord } from '../../src/stores/driver.ts';

export interface Subject {
  /** Opens a driver. All calls open the same store, which is empty at the first call of each test. */
  open(): Promise<Driver>;
  /** Removes the store. */
  remove(): Promise<void>;
  /** How another process opens the same store: the driver's built file, and the arguments of its `open`. */
  module: string;
  args: unknown[];
  /** Creates many records of the owner `ann` at once, for a store that is slow to create them one by one. */
  fill?(count: number, bytes: number): Promise<void>;
}

/** Two drivers for one store, as two processes have them. */
export interface Ways {
  driver: Driver;
  other: Driver;
}

/** A record with an expiry far in the future. */
export function record(changes: Partial<SessionRecord> = {}): SessionRecord {
  return { data: '{"username":"guest"}', createdAtMs: 1000, seenAtMs: 2000, expiresAtMs: 4e12, ...changes };
}

export async function collect(records: AsyncIterable<StoredRecord>): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of records) keys.push(key);
  return keys;
}

/** Changes the stored data, and retries until it succeeds. False: the record is gone. */
export async function change(driver: Driver, key: string, toData: (data: string) => string): Promise<boolean> {
  for (;;) {
    const found = await driver.read(key);
    if (!found) return false;
    const { key: _, version, ...rest } = found;
    if (await driver.update(key, version, { ...rest, data: toData(found.data) })) return true;
  }
}

import type { SessionRecord, StoredRecord } from '../stores/driver.ts';
import { createTombstone } from '../stores/tombstone.ts';

// During a migration, the stores hold sealed records and tombstones beside ordinary records. Both are records, so that every
// store can keep them. To a process that does not know of the migration, both are sessions that expired long ago.

/** A tombstone's expiry is this far in the past, so that it has expired by the clock of every machine. */
const tombstoneAgeMs = 60 * 60 * 1000;

/** Seals a record in the old store: it has moved, or is about to move, and never changes again. */
export function seal<R extends SessionRecord>(record: R): R {
  return { ...record, createdAtMs: -record.createdAtMs };
}

export function isSealed({ createdAtMs }: SessionRecord): boolean {
  return createdAtMs < 0;
}

/** The record before it was sealed, with the version that it had: sealing does not count as a change. */
export function unseal(record: StoredRecord): StoredRecord {
  return isSealed(record) ? { ...seal(record), version: record.version - 1 } : record;
}

/** In the new store: the session was destroyed, and no copy may restore it. In the old store: left by an earlier migration. */
export function createExpiredTombstone(nowMs: number): SessionRecord {
  return createTombstone(nowMs - tombstoneAgeMs);
}

/** Tombstones that expired before this time can be deleted: no process is still copying their sessions. */
export function deletableBeforeMs(nowMs: number): number {
  return nowMs - 2 * tombstoneAgeMs;
}

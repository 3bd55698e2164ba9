import type { SessionRecord, StoredRecord } from '../stores/driver.ts';
import { createTombstone } from '../stores/tombstone.ts';

// What the two stores of a move hold of a session, beside records as they always are. Both kinds are records too, so that
// every store can keep them; to a process that knows of no move, both are sessions that are long over.

/** How long ago an end is said to have been, so that it is over by the clock of every machine. */
const tombstoneAgeMs = 60 * 60 * 1000;

/** In the old store: the record has moved, or is about to; here it changes no more. */
export function seal<R extends SessionRecord>(record: R): R {
  return { ...record, createdAtMs: -record.createdAtMs };
}

export function isSealed({ createdAtMs }: SessionRecord): boolean {
  return createdAtMs < 0;
}

/** The record as it was before it was sealed, also in its version: to seal is not to change. */
export function unseal(record: StoredRecord): StoredRecord {
  return isSealed(record) ? { ...seal(record), version: record.version - 1 } : record;
}

/** In the new store: the session has ended, and no copy may bring it back. In the old one: it ended in an earlier move. */
export function createExpiredTombstone(nowMs: number): SessionRecord {
  return createTombstone(nowMs - tombstoneAgeMs);
}

/** No copy that could bring a session back is under way any longer when its end is as old as this. */
export function deletableBeforeMs(nowMs: number): number {
  return nowMs - 2 * tombstoneAgeMs;
}

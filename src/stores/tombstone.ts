import type { SessionRecord } from './driver.ts';

// A tombstone is a record, so that every store can keep it. To a process that does not know tombstones, it is a session that
// expired decades ago.

/** @param expiresAtMs when the store may delete the tombstone: no copy can restore the session after that */
export function createTombstone(expiresAtMs: number): SessionRecord {
  return { data: '{}', createdAtMs: 0, seenAtMs: 0, expiresAtMs };
}

export function isTombstone({ createdAtMs }: SessionRecord): boolean {
  return createdAtMs === 0;
}

import type { SessionRecord } from './driver.ts';

// A tombstone is a record too, so that every store can keep it. A process that knows no tombstones takes it for a session
// that has been over for decades.

/** @param expiresAtMs when the store may forget it: nobody can bring the session back by then */
export function createTombstone(expiresAtMs: number): SessionRecord {
  return { data: '{}', createdAtMs: 0, seenAtMs: 0, expiresAtMs };
}

export function isTombstone({ createdAtMs }: SessionRecord): boolean {
  return createdAtMs === 0;
}

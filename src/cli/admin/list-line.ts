import { visible } from '../visible.ts';
import { toIso } from './describe.ts';
import { renderRef } from './session-ref.ts';
import type { SessionSummary } from './session-summary.ts';

/** A session for a program that reads lines: whole reference, owner, created, last seen, expires, bytes, between tabs. */
export function toLine({ key, owner = '', createdAtMs, seenAtMs, expiresAtMs, bytes }: SessionSummary): string {
  const times = [createdAtMs, seenAtMs, expiresAtMs].map((ms) => toIso(ms) ?? '');
  return [renderRef(key), visible(owner), ...times, bytes].join('\t');
}

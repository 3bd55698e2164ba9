import { setImmediate } from 'node:timers/promises';
import type { Driver, StoredRecord } from '../../stores/driver.ts';
import type { ListedRecord, SessionDetail, SessionQuery, SessionSummary } from './session-summary.ts';

/** After this many records, a long walk yields to the event loop, so that the process can handle signals. */
const turn = 1000;

/** Yields the sessions that match a query, without their data. */
export async function* summaries(driver: Pick<Driver, 'list'>, query: SessionQuery): AsyncGenerator<SessionSummary> {
  const { owner, prefix, limit = Number.POSITIVE_INFINITY } = query;
  const inPrefix = prefix === undefined ? {} : { prefix };
  let seen = 0;
  let left = limit;
  for await (const record of driver.list(owner === undefined ? inPrefix : { owner })) {
    seen += 1;
    if (seen % turn === 0) await setImmediate();
    const summary = summarize(record);
    if (!fits(summary, query)) continue;
    if (left <= 0) return;
    left -= 1;
    yield summary;
  }
}

/** The session with its data, or without if the record is damaged. */
export function toDetail(record: StoredRecord | undefined): SessionDetail | undefined {
  if (!record) return undefined;
  const { data, version } = record;
  const summary = summarize(record);
  return isDamaged(summary) ? summary : { ...summary, data, version };
}

/** True for a record that lacks a required field. */
export function isDamaged({ expiresAtMs }: SessionSummary): boolean {
  return expiresAtMs === undefined;
}

/** The session without its data; only `key` and `bytes` if the record is damaged. */
export function summarize(record: ListedRecord): SessionSummary {
  const { key, data, owner, keyId, createdAtMs, seenAtMs, expiresAtMs } = record;
  if (typeof data !== 'string') return { key, bytes: 0 };
  const bytes = Buffer.byteLength(data);
  if (!isTime(createdAtMs) || !isTime(seenAtMs) || !isTime(expiresAtMs)) return { key, bytes };
  return {
    key,
    bytes,
    createdAtMs,
    seenAtMs,
    expiresAtMs,
    ...(typeof owner === 'string' && { owner }),
    ...(typeof keyId === 'string' && { keyId }),
  };
}

// A time outside the range of Date is damaged.
function isTime(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(new Date(value).getTime());
}

function fits({ key, owner, expiresAtMs, seenAtMs }: SessionSummary, query: SessionQuery): boolean {
  const { prefix = '', liveAtMs, seenBeforeMs } = query;
  if (!key.startsWith(prefix)) return false;
  if (query.owner !== undefined && owner !== query.owner) return false;
  if (liveAtMs !== undefined && expiresAtMs !== undefined && expiresAtMs <= liveAtMs) return false;
  return seenBeforeMs === undefined || (seenAtMs !== undefined && seenAtMs < seenBeforeMs);
}

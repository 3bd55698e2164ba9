import type { Driver } from '../../stores/driver.ts';
import type { SessionSummary, Tally } from './session-summary.ts';
import { isDamaged, summaries } from './store-walks.ts';

/** Counts all records in one walk, in memory that does not grow with their number. */
export async function tally(driver: Pick<Driver, 'list'>, nowMs: number, sinceMs = nowMs): Promise<Tally> {
  const sum = { live: 0, created: 0, expired: 0, damaged: 0, anonymous: 0, bytes: 0 };
  const bySecretId: Record<string, number> = {};
  let oldestAtMs = Number.POSITIVE_INFINITY;
  let lastExpiryAtMs = Number.NEGATIVE_INFINITY;
  for await (const summary of summaries(driver, { prefix: '' })) {
    const kind = kindOf(summary, nowMs);
    sum[kind] += 1;
    if (kind !== 'live') continue;
    const { owner, keyId = '', bytes, createdAtMs = nowMs, expiresAtMs = nowMs } = summary;
    sum.bytes += bytes;
    bySecretId[keyId] = (bySecretId[keyId] ?? 0) + 1;
    oldestAtMs = Math.min(oldestAtMs, createdAtMs);
    lastExpiryAtMs = Math.max(lastExpiryAtMs, expiresAtMs);
    if (owner === undefined) sum.anonymous += 1;
    if (createdAtMs > sinceMs) sum.created += 1;
  }
  const times = sum.live > 0 && { oldestAtMs, lastExpiryAtMs };
  return { ...sum, ...times, bySecretId };
}

function kindOf(summary: SessionSummary, nowMs: number): 'live' | 'expired' | 'damaged' {
  if (isDamaged(summary)) return 'damaged';
  return (summary.expiresAtMs ?? 0) > nowMs ? 'live' : 'expired';
}

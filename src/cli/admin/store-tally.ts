import type { SessionSummary, Tally } from './store-calls.ts';
import { isDamaged, type Listing, summaries } from './store-walks.ts';

/** How many owners are counted at once, and how many of them are told. */
const countedOwners = 10_000;
const toldOwners = 5;

/** Counts all records in one walk, which misses none and keeps none. */
export async function tally(driver: Listing, nowMs: number): Promise<Tally> {
  const sum = { live: 0, expired: 0, damaged: 0, anonymous: 0, bytes: 0 };
  const byKeyId: Record<string, number> = {};
  const owners = new OwnerCounts();
  let oldestAtMs = Number.POSITIVE_INFINITY;
  let lastExpiryAtMs = Number.NEGATIVE_INFINITY;
  for await (const summary of summaries(driver, { prefix: '' })) {
    const kind = kindOf(summary, nowMs);
    sum[kind] += 1;
    if (kind !== 'live') continue;
    const { owner, keyId = '', bytes, createdAtMs = nowMs, expiresAtMs = nowMs } = summary;
    sum.bytes += bytes;
    byKeyId[keyId] = (byKeyId[keyId] ?? 0) + 1;
    oldestAtMs = Math.min(oldestAtMs, createdAtMs);
    lastExpiryAtMs = Math.max(lastExpiryAtMs, expiresAtMs);
    if (owner === undefined) sum.anonymous += 1;
    else owners.add(owner);
  }
  const times = sum.live > 0 && { oldestAtMs, lastExpiryAtMs };
  return { ...sum, ...times, byKeyId, topOwners: owners.top(toldOwners), isTopOwnersApproximate: owners.isApproximate };
}

function kindOf(summary: SessionSummary, nowMs: number): 'live' | 'expired' | 'damaged' {
  if (isDamaged(summary)) return 'damaged';
  return (summary.expiresAtMs ?? 0) > nowMs ? 'live' : 'expired';
}

/**
 * Counts the sessions of each owner in bounded memory (Misra and Gries, 1982): with more owners than it has room for, those
 * who have many are still found, with counts that are too small.
 */
class OwnerCounts {
  readonly #counts = new Map<string, number>();
  isApproximate = false;

  add(owner: string): void {
    const count = this.#counts.get(owner);
    if (count !== undefined || this.#counts.size < countedOwners) this.#counts.set(owner, (count ?? 0) + 1);
    else this.#makeRoom();
  }

  top(number: number): { owner: string; sessions: number }[] {
    const found = [...this.#counts].map(([owner, sessions]) => ({ owner, sessions }));
    return found.sort((a, b) => b.sessions - a.sessions || (a.owner < b.owner ? -1 : 1)).slice(0, number);
  }

  #makeRoom(): void {
    this.isApproximate = true;
    for (const [owner, count] of this.#counts) {
      if (count === 1) this.#counts.delete(owner);
      else this.#counts.set(owner, count - 1);
    }
  }
}

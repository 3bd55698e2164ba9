import { isDeepStrictEqual } from 'node:util';
import type { MigratingDriver } from '../../migration/migrating-driver.ts';
import { isSealed, unseal } from '../../migration/moved-record.ts';
import { inBatches } from '../../stores/batches.ts';
import type { Driver, StoredRecord } from '../../stores/driver.ts';
import { isTombstone } from '../../stores/tombstone.ts';
import { withProbe } from '../admin/store-probes.ts';
import { isDamaged, summarize } from '../admin/store-walks.ts';

/** How many records are moved in parallel: enough for a store that batches writes, but fewer than a connection pool allows. */
const pageSize = 50;
const pruneLimit = 500;

/** The store that sessions will move to. */
export interface NextStore {
  /** True when it is the current store under another address. */
  isSame: boolean;
  /** How many live sessions of this environment it already holds. */
  sessions: number;
  /** The settings of that store that can lose sessions, one sentence each. */
  warnings: string[];
}

/** `copy` the records of the old store, `verify` that the new store has them, `clear` the old store. */
export type MoveStep = 'copy' | 'verify' | 'clear';

export interface MovePage {
  records: number;
  /** How many of them the step had to change. */
  changed: number;
}

/** Checks whether sessions can move to a store: it must be a different store without sessions. Prunes expired records there. */
export async function inspectNext(from: Driver, to: Driver, nowMs: number): Promise<NextStore> {
  const isSame = await withProbe(from, async (key) => (await to.read(key)) !== undefined);
  if (isSame) return { isSame, sessions: 0, warnings: [] };
  while ((await to.prune(nowMs, pruneLimit)) > 0);
  let sessions = 0;
  for await (const entry of to.list({ prefix: '' })) if (!isDamaged(summarize(entry))) sessions += 1;
  return { isSame, sessions, warnings: (await to.warnings?.()) ?? [] };
}

/** Walks through the old store once, a page at a time. */
export async function* walkMove(driver: MigratingDriver, step: MoveStep): AsyncGenerator<MovePage> {
  const work = steps[step];
  for await (const entries of inBatches(driver.from.list({ prefix: '' }), pageSize)) {
    const done = await Promise.all(entries.map((entry) => work(driver, entry)));
    yield { records: entries.length, changed: done.filter(Boolean).length };
  }
}

/** The work of each step on a record of the old store. Resolves to true when the record had to be changed. */
const steps: Record<MoveStep, (driver: MigratingDriver, entry: StoredRecord) => Promise<boolean>> = {
  async copy(driver, entry) {
    // A record without a version cannot be changed by compare-and-swap, so it cannot be moved.
    if (isDamaged(summarize(entry)) || !Number.isFinite(entry.version)) await driver.from.setAside(entry.key);
    else await driver.move(entry.key);
    return !isSealed(entry);
  },
  async verify(driver, { key }) {
    if (isSameSession(await driver.from.read(key), await driver.to.read(key))) return false;
    await driver.move(key);
    return true;
  },
  async clear({ from }, { key }) {
    await from.delete(key);
    return true;
  },
};

/** Whether the new store has the session of the old store, a later version, or its tombstone. */
function isSameSession(old: StoredRecord | undefined, moved: StoredRecord | undefined): boolean {
  // Ignore tombstones that an earlier migration left in the old store.
  if (!old || isTombstone(old)) return true;
  if (!moved || !isSealed(old)) return false;
  const before = unseal(old);
  if (isTombstone(moved) || moved.version > before.version) return true;
  return moved.version === before.version && isDeepStrictEqual(contentOf(moved), contentOf(before));
}

// Without the times, because those change whenever the session is used.
function contentOf({ data, createdAtMs, owner, keyId }: StoredRecord): unknown[] {
  return [data, createdAtMs, owner, keyId];
}

import { isDeepStrictEqual } from 'node:util';
import type { MigratingDriver } from '../../migration/migrating-driver.ts';
import { isSealed, unseal } from '../../migration/moved-record.ts';
import { inBatches } from '../../stores/batches.ts';
import type { Driver, StoredRecord } from '../../stores/driver.ts';
import { isTombstone } from '../../stores/tombstone.ts';
import { withProbe } from '../admin/store-probes.ts';
import { isDamaged, summarize } from '../admin/store-walks.ts';

/** At the same time, so that a store which gathers writes has some to do; a pool of connections is not to be exhausted. */
const pageSize = 50;
const pruneLimit = 500;

/** The store that sessions are about to move to. */
export interface NextStore {
  /** True when it is the current store under another address. */
  isSame: boolean;
  /** How many live sessions of this environment it holds already. */
  sessions: number;
  /** What in its configuration can lose sessions, one sentence each. */
  warnings: string[];
}

/** `copy` the records of the old store, `verify` that the new one has them, `clear` the old one. */
export type MoveStep = 'copy' | 'verify' | 'clear';

export interface MovePage {
  records: number;
  /** How many of them the step had to change. */
  changed: number;
}

/** Looks whether sessions could move to a store: which is another one, and has none yet. What has expired there goes. */
export async function inspectNext(from: Driver, to: Driver, nowMs: number): Promise<NextStore> {
  const isSame = await withProbe(from, async (key) => (await to.read(key)) !== undefined);
  if (isSame) return { isSame, sessions: 0, warnings: [] };
  while ((await to.prune(nowMs, pruneLimit)) > 0);
  let sessions = 0;
  for await (const entry of to.list({ prefix: '' })) if (!isDamaged(summarize(entry))) sessions += 1;
  return { isSame, sessions, warnings: (await to.warnings?.()) ?? [] };
}

/** Goes through the old store once, a page at a time. */
export async function* walkMove(driver: MigratingDriver, step: MoveStep): AsyncGenerator<MovePage> {
  const work = steps[step];
  for await (const entries of inBatches(driver.from.list({ prefix: '' }), pageSize)) {
    const done = await Promise.all(entries.map((entry) => work(driver, entry)));
    yield { records: entries.length, changed: done.filter(Boolean).length };
  }
}

/** What is done with each record of the old store; true: it was not yet as it is to be. */
const steps: Record<MoveStep, (driver: MigratingDriver, entry: StoredRecord) => Promise<boolean>> = {
  async copy(driver, entry) {
    // One without a version can be changed by nobody, and so not be moved.
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

/** Whether the new store has what the old one had, or what came of it: a change, or its end. */
function isSameSession(old: StoredRecord | undefined, moved: StoredRecord | undefined): boolean {
  // In the old store an end is of an earlier move, and no session.
  if (!old || isTombstone(old)) return true;
  if (!moved || !isSealed(old)) return false;
  const before = unseal(old);
  if (isTombstone(moved) || moved.version > before.version) return true;
  return moved.version === before.version && isDeepStrictEqual(contentOf(moved), contentOf(before));
}

// The times of a session that is used move on.
function contentOf({ data, createdAtMs, owner, keyId }: StoredRecord): unknown[] {
  return [data, createdAtMs, owner, keyId];
}

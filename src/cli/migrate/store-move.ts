import { createHash, randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { MigratingDriver } from '../../migration/migrating-driver.ts';
import type { Driver, StoredRecord } from '../../stores/driver.ts';
import type { ListedRecord, MovePage, MoveStep, NextStore } from '../admin/session-summary.ts';
import { isDamaged, summarize } from '../admin/store-walks.ts';

/** At the same time, so that a store which gathers writes has some to do; a pool of connections is not to be exhausted. */
const pageSize = 50;
const pruneLimit = 500;

/** Looks whether sessions could move to a store: which is another one, and has none yet. What has expired there goes. */
export async function inspectNext(from: Driver, to: Driver, nowMs: number): Promise<NextStore> {
  if (await isSame(from, to)) return { isSame: true, sessions: 0, warnings: [] };
  while ((await to.prune(nowMs, pruneLimit)) > 0);
  let sessions = 0;
  for await (const entry of to.list({ prefix: '' })) if (!isDamaged(summarize(entry))) sessions += 1;
  return { isSame: false, sessions, warnings: (await to.warnings?.()) ?? [] };
}

async function isSame(from: Driver, to: Driver): Promise<boolean> {
  const key = createHash('sha256').update(randomBytes(32)).digest('base64url');
  await from.create(key, { data: '{}', createdAtMs: 0, seenAtMs: 0, expiresAtMs: 1 });
  try {
    return (await to.read(key)) !== undefined;
  } finally {
    await from.delete(key);
  }
}

/** Goes through the old store once, a page at a time. */
export async function* walkMove(driver: MigratingDriver, step: MoveStep): AsyncGenerator<MovePage> {
  const work = steps[step];
  for await (const entries of inPages(driver.from.list({ prefix: '' }))) {
    const done = await Promise.all(entries.map((entry) => work(driver, entry)));
    yield { records: entries.length, changed: done.filter(Boolean).length };
  }
}

/** What is done with each record of the old store; true: it was not yet as it is to be. */
const steps: Record<MoveStep, (driver: MigratingDriver, entry: ListedRecord) => Promise<boolean>> = {
  async copy(driver, entry) {
    // One without a version can be changed by nobody, and so not be moved.
    if (isDamaged(summarize(entry)) || !Number.isFinite(entry.version)) await driver.from.setAside(entry.key);
    else await driver.move(entry.key);
    return !isMoved(entry);
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

// What it holds of a record that has moved is sealed: made before 1970. See the environment's session/moved-record.
function isMoved({ createdAtMs = 0 }: ListedRecord): boolean {
  return createdAtMs < 0;
}

// In the old store it is of an earlier move, and no session.
function isEnd({ createdAtMs }: ListedRecord): boolean {
  return createdAtMs === 0;
}

/** Whether the new store has what the old one had, or what came of it: a change, or its end. */
function isSameSession(old: StoredRecord | undefined, moved: StoredRecord | undefined): boolean {
  if (!old || isEnd(old)) return true;
  if (!moved || !isMoved(old)) return false;
  const version = old.version - 1;
  if (isEnd(moved) || moved.version > version) return true;
  return moved.version === version && isDeepStrictEqual(contentOf(moved), contentOf(old));
}

// The times of a session that is used move on.
function contentOf({ data, createdAtMs, owner, keyId }: StoredRecord): unknown[] {
  return [data, Math.abs(createdAtMs), owner, keyId];
}

async function* inPages(entries: AsyncIterable<ListedRecord>): AsyncGenerator<ListedRecord[]> {
  let page: ListedRecord[] = [];
  for await (const entry of entries) {
    page.push(entry);
    if (page.length < pageSize) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

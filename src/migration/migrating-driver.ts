import type { Driver, ListQuery, SessionRecord, StoredRecord } from '../stores/driver.ts';
import { isTombstone } from '../stores/tombstone.ts';
import { createExpiredTombstone, deletableBeforeMs, isSealed, seal, unseal } from './moved-record.ts';

/** `prepare`: records change where they are. `move`: a record moves before it changes, and new records go to the new store. */
export type Phase = 'prepare' | 'move';

/** A session's record, and whether it is in the new store. */
interface LocatedRecord {
  isMoved: boolean;
  record: StoredRecord;
}

/**
 * Combines two stores while sessions move from the old store to the new one. Processes in both phases, and the process that
 * moves all sessions, may run at the same time, and each may crash at any time:
 *
 * 1. If the new store has a record or a tombstone for a key, it counts. Otherwise the old store's record counts.
 * 2. A record moves in two steps. First, compare-and-swap seals it in the old store, so a concurrent change there fails and
 *    reads again. Then the record is created in the new store, unless another process has created it already. A process that
 *    finds a sealed record does the second step. A sealed record never changes.
 * 3. A record keeps its version when it moves, and each change adds one. So a version means the same in both stores.
 * 4. To destroy a session, a process first writes a tombstone to the new store, and then deletes the record in the old store.
 * 5. So a record that moves is always in at least one store. A read that finds it in neither store reads the new one again.
 * 6. Ignore tombstones that an earlier migration left in the old store. They are deleted with everything else in that store.
 */
export class MigratingDriver implements Driver {
  readonly from: Driver;
  readonly to: Driver;
  readonly #isMoving: boolean;

  constructor(from: Driver, to: Driver, phase: Phase) {
    this.from = from;
    this.to = to;
    this.#isMoving = phase === 'move';
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    return (await this.#find(key))?.record;
  }

  async create(key: string, record: SessionRecord): Promise<boolean> {
    const [other, target] = this.#isMoving ? [this.from, this.to] : [this.to, this.from];
    return !(await other.read(key)) && (await target.create(key, record));
  }

  async update(key: string, version: number, record: SessionRecord): Promise<boolean> {
    const found = await this.#findToChange(key);
    if (found?.record.version !== version) return false;
    return (found.isMoved ? this.to : this.from).update(key, version, record);
  }

  async touch(key: string, version: number, seenAtMs: number, expiresAtMs: number): Promise<void> {
    const found = await this.#findToChange(key);
    if (found?.record.version !== version) return;
    if (found.isMoved) return this.to.touch(key, version, seenAtMs, expiresAtMs);
    // Use an update, not a touch: a process that is moving the record notices only a new version.
    await this.from.update(key, version, { ...withoutKey(found.record), seenAtMs, expiresAtMs });
  }

  async delete(key: string): Promise<void> {
    await this.#leaveTombstone(key);
    await this.from.delete(key);
  }

  async setAside(key: string): Promise<void> {
    if (!(await this.to.read(key))) return this.from.setAside(key);
    await this.to.setAside(key);
    await this.delete(key);
  }

  /** Lists the sessions that the old store still has, and then the others. Each part is in the order of the query. */
  async *list({ limit = Number.POSITIVE_INFINITY, ...query }: ListQuery): AsyncGenerator<StoredRecord> {
    let left = limit;
    for await (const record of this.#listAll(query)) {
      if (left <= 0) return;
      left -= 1;
      yield record;
    }
  }

  async prune(nowMs: number, limit: number): Promise<number> {
    let count = await this.from.prune(nowMs, limit);
    for await (const { key } of this.to.list({ expiresBeforeMs: deletableBeforeMs(nowMs), limit })) {
      // Delete in this order: without its tombstone, a record left in the old store would count again.
      await this.from.delete(key);
      await this.to.delete(key);
      count += 1;
    }
    return count;
  }

  /** Moves a record that has not moved yet. Tombstones and damaged records stay where they are. */
  async move(key: string): Promise<void> {
    for (;;) {
      const source = await this.from.read(key);
      if (!source || isTombstone(source) || !isSound(source)) return;
      if (!isSealed(source) && !(await this.from.update(key, source.version, seal(withoutKey(source))))) continue;
      const record = unseal(source);
      await this.to.create(key, withoutKey(record), record.version);
      return;
    }
  }

  async countSetAside(): Promise<number | undefined> {
    const counts = await Promise.all([this.from.countSetAside?.(), this.to.countSetAside?.()]);
    return counts.reduce<number>((sum, count = 0) => sum + count, 0);
  }

  async ping(): Promise<void> {
    await Promise.all([this.from.ping(), this.to.ping()]);
  }

  async warnings(): Promise<string[]> {
    return (await Promise.all([this.from.warnings?.(), this.to.warnings?.()])).flatMap((found = []) => found);
  }

  async close(): Promise<void> {
    await Promise.all([this.from.close(), this.to.close()]);
  }

  // List the whole old store first: a record that moves meanwhile is then found in the new store.
  async *#listAll(query: ListQuery): AsyncGenerator<StoredRecord> {
    for await (const record of this.from.list(query)) {
      if (isTombstone(record)) continue;
      const moved = await this.to.read(record.key);
      if (!moved) yield unseal(record);
      else if (!isTombstone(moved)) yield moved;
    }
    for await (const record of this.to.list(query))
      if (!isTombstone(record) && !(await this.from.read(record.key))) yield record;
  }

  async #find(key: string): Promise<LocatedRecord | undefined> {
    const moved = await this.to.read(key);
    if (moved) return isTombstone(moved) ? undefined : { isMoved: true, record: moved };
    const source = await this.from.read(key);
    if (source && isTombstone(source)) return undefined;
    if (source && !isSealed(source)) return { isMoved: false, record: source };
    if (source) await this.move(key);
    const late = await this.to.read(key);
    return late && !isTombstone(late) ? { isMoved: true, record: late } : undefined;
  }

  async #findToChange(key: string): Promise<LocatedRecord | undefined> {
    const found = await this.#find(key);
    if (!found || found.isMoved || !this.#isMoving) return found;
    await this.move(key);
    return this.#find(key);
  }

  async #leaveTombstone(key: string): Promise<void> {
    const tombstone = createExpiredTombstone(Date.now());
    for (;;) {
      // No record has version 0, so a process that read a record before never mistakes the tombstone for it.
      if (await this.to.create(key, tombstone, 0)) return;
      const found = await this.to.read(key);
      if (!found) continue;
      if (isTombstone(found) || (await this.to.update(key, found.version, tombstone))) return;
      // A damaged record has no version, so it cannot be updated. Set it aside.
      if (!isSound(found)) await this.to.setAside(key);
    }
  }
}

function isSound({ createdAtMs, version }: StoredRecord): boolean {
  return Number.isFinite(createdAtMs) && Number.isFinite(version);
}

function withoutKey({ key: _, version: __, ...record }: StoredRecord): SessionRecord {
  return record;
}

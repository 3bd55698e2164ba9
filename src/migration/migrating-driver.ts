import type { Driver, ListQuery, SessionRecord, StoredRecord } from '../stores/driver.ts';
import { isTombstone } from '../stores/tombstone.ts';
import { createExpiredTombstone, deletableBeforeMs, isSealed, seal, unseal } from './moved-record.ts';

/** `prepare`: records change where they are. `move`: a record moves before it changes, and new ones are made in the new store. */
export type Phase = 'prepare' | 'move';

/** Where a session is, and its record as it is to be seen. */
interface LocatedRecord {
  isMoved: boolean;
  record: StoredRecord;
}

/**
 * Two stores as one, while sessions move from one to the other. Processes of both phases, and the one that copies, may
 * work at the same time, and each may die at any instant:
 *
 * 1. What the new store says of a key counts, a record as well as an end; only where it says nothing, the old one does.
 * 2. A record moves in two steps: it is sealed in the old store by compare-and-swap, so that whoever is about to change it
 *    there fails and looks again; then it is created in the new store, where it is only if nobody was faster. Between the
 *    two whoever meets the sealed record does the second step. A sealed record never changes.
 * 3. It keeps its version when it moves, and each change makes that one more: a version means the same in both stores.
 * 4. Who ends a session leaves an end in the new store, and only then deletes the record in the old one.
 * 5. So a key is never in neither store while it moves; who finds it in neither, one after the other, looks once more.
 * 6. An end in the old store is one of an earlier move, and no session: nothing is done with it until all there is deleted.
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
    // Who is about to move the record must notice, and what they notice is a new version.
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

  /** First come those that the old store still knows of; each part is in the order that the query asks for. */
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
      // In this order: without its end, what is left of a session in the old store would count again.
      await this.from.delete(key);
      await this.to.delete(key);
      count += 1;
    }
    return count;
  }

  /** Moves a record, if it is still to be moved. An end, or one that makes no sense, stays where it is. */
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

  // The old store first, and all of it: what leaves it meanwhile is in the new one by then.
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
      // No record has the version 0: nobody takes the end for what they have read before.
      if (await this.to.create(key, tombstone, 0)) return;
      const found = await this.to.read(key);
      if (!found) continue;
      if (isTombstone(found) || (await this.to.update(key, found.version, tombstone))) return;
      // What makes no sense has no version, and would be in the way for good.
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

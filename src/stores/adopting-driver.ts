import type { Driver, ListQuery, SessionRecord, StoredRecord } from './driver.ts';
import { CannotList } from './errors.ts';
import { hashOf } from './session-key.ts';
import { createTombstone, isTombstone } from './tombstone.ts';

/** How long a tombstone stays, so that a copy in the old store, left by an interrupted move, cannot restore the session. */
const tombstoneMs = 30 * 24 * 60 * 60 * 1000;
/** A move takes less than this, or it was interrupted. */
export const moveMs = 10_000;
/** The number of sessions for which a process remembers whether they have left the old store. */
const knownLimit = 10_000;

/**
 * The new store, which takes over sessions from the old store as their users return. Any number of processes may run at the
 * same time, some that move sessions and some that do not yet, and each may crash at any time:
 *
 * 1. If the new store has a record or a tombstone for a session key, it counts. Otherwise the old store's record counts.
 * 2. A process that does not move sessions yet changes and creates them in the old store: the application may still run with
 *    express-session in other processes.
 * 3. A session moves when it is read. A process creates it in the new store, where only the first of several creates succeeds,
 *    and then deletes it from the old store. The session keeps its version.
 * 4. To destroy a session, a process first writes a tombstone to the new store, and then deletes the record in the old store.
 * 5. A move that is interrupted between its two steps leaves a copy. A process deletes the copy when it reads the session later.
 */
export class AdoptingDriver implements Driver {
  readonly needsIds = true;
  readonly #old: Driver;
  readonly #new: Driver;
  readonly #isMoving: () => boolean;
  readonly #now: () => number;
  /** When each session was first read from the new store; Infinity after it was deleted from the old store. */
  readonly #metMs = new Map<string, number>();

  constructor(stores: { from: Driver; to: Driver }, isMoving: () => boolean, now = () => Date.now()) {
    this.#old = withKeysFor(stores.from);
    this.#new = withKeysFor(stores.to);
    this.#isMoving = isMoving;
    this.#now = now;
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    const moved = await this.#new.read(key);
    if (moved) {
      this.#removeCopy(key);
      return unlessTombstone(moved);
    }
    const old = unlessTombstone(await this.#old.read(key));
    // Another process may have moved it between the two reads.
    if (!old) return unlessTombstone(await this.#new.read(key));
    if (!this.#isMoving()) return old;
    await this.#move(key, old);
    return unlessTombstone(await this.#new.read(key));
  }

  create(key: string, record: SessionRecord): Promise<boolean> {
    return (this.#isMoving() ? this.#new : this.#old).create(key, record);
  }

  async update(key: string, version: number, record: SessionRecord): Promise<boolean> {
    if (await this.#new.update(key, version, record)) return true;
    if (await this.#new.read(key)) return false;
    if (this.#isMoving()) return (await this.read(key))?.version === version && this.#new.update(key, version, record);
    // If another process moved the record meanwhile, it may have read the record before this update.
    return (await this.#old.update(key, version, record)) && !(await this.#new.read(key));
  }

  async touch(key: string, version: number, seenAtMs: number, expiresAtMs: number): Promise<void> {
    const driver = (await this.#new.read(key)) ? this.#new : this.#old;
    await driver.touch(key, version, seenAtMs, expiresAtMs);
  }

  async delete(key: string): Promise<void> {
    await this.#leaveTombstone(key);
    await this.#old.delete(key);
  }

  async setAside(key: string): Promise<void> {
    await ((await this.#new.read(key)) ? this.#new : this.#old).setAside(key);
  }

  /** Fails with CannotList when the old store cannot list its sessions. */
  async *list(query: ListQuery): AsyncGenerator<StoredRecord> {
    let left = query.limit ?? Number.POSITIVE_INFINITY;
    for await (const record of this.#listAll(query)) {
      if (left <= 0) return;
      left -= 1;
      yield record;
    }
  }

  async prune(nowMs: number, limit: number): Promise<number> {
    return (await this.#new.prune(nowMs, limit)) + (await this.#old.prune(nowMs, limit));
  }

  async ping(): Promise<void> {
    await Promise.all([this.#old.ping(), this.#new.ping()]);
  }

  async warnings(): Promise<string[]> {
    return (await this.#new.warnings?.()) ?? [];
  }

  async close(): Promise<void> {
    await Promise.all([this.#old.close(), this.#new.close()]);
  }

  /** False: there is nothing to move, or another process moves the session, or an interrupted move left a copy. */
  async move(key: string): Promise<boolean> {
    const old = unlessTombstone(await this.#old.read(key));
    return old !== undefined && this.#move(key, old);
  }

  /** Deletes the copy that an interrupted move left in the old store. Do not call this within 10 seconds of a move. */
  async removeCopy(key: string): Promise<void> {
    if (await this.#new.read(key)) await this.#old.delete(key);
  }

  // On the first read, the move may still be running, so wait before deleting the copy.
  #removeCopy(key: string): void {
    const nowMs = performance.now();
    if (this.#metMs.size >= knownLimit) this.#metMs.clear();
    const metMs = this.#metMs.get(key) ?? nowMs;
    const isDue = nowMs - metMs >= moveMs;
    this.#metMs.set(key, isDue ? Number.POSITIVE_INFINITY : metMs);
    // If this fails, the session's next request tries again.
    if (isDue) this.#old.delete(key).catch(() => this.#metMs.delete(key));
  }

  async #move(key: string, old: StoredRecord): Promise<boolean> {
    if (!(await this.#new.create(key, withoutKey(old), old.version))) return false;
    await this.#finishMove(key, old);
    return true;
  }

  // Another process may have changed or deleted the old record after it was read. Apply that too, because its client already got
  // a response. But after a slow read, a missing record does not mean that the session was destroyed: `removeCopy` in another
  // process may have deleted it.
  async #finishMove(key: string, moved: StoredRecord): Promise<void> {
    const startedMs = performance.now();
    const latest = await this.#old.read(key);
    if (!latest) return performance.now() - startedMs < moveMs / 2 ? this.#leaveTombstone(key) : undefined;
    if (latest.version !== moved.version) await this.#reapplyChanges(key, moved, latest);
    await this.#old.delete(key);
  }

  async #reapplyChanges(key: string, moved: StoredRecord, latest: StoredRecord): Promise<void> {
    for (;;) {
      const found = unlessTombstone(await this.#new.read(key));
      if (!found) return;
      const data = rebase(latest.data, { from: moved.data, onto: found.data });
      if (await this.#new.update(key, found.version, { ...withoutKey(found), data })) return;
    }
  }

  async #leaveTombstone(key: string): Promise<void> {
    const tombstone = createTombstone(this.#now() + tombstoneMs);
    for (;;) {
      // No record has version 0, so a process that read a record before never mistakes the tombstone for it.
      if (await this.#new.create(key, tombstone, 0)) return;
      const found = await this.#new.read(key);
      if (!found) continue;
      if (isTombstone(found) || (await this.#new.update(key, found.version, tombstone))) return;
    }
  }

  // List the old store first: a session that moves meanwhile is then found in the new store. It may be listed twice.
  async *#listAll(query: ListQuery): AsyncGenerator<StoredRecord> {
    for await (const record of this.#listOld(query)) {
      const moved = await this.#new.read(record.key);
      // Keep the key of the copy, which includes the id: both records can be deleted with it.
      if (moved) yield* unlessTombstone(moved) ? [{ ...moved, key: record.key }] : [];
      else if (unlessTombstone(record)) yield record;
    }
    for await (const record of this.#new.list(query)) if (unlessTombstone(record)) yield record;
  }

  async *#listOld(query: ListQuery): AsyncGenerator<StoredRecord> {
    try {
      yield* this.#old.list(query);
    } catch (error) {
      if (error instanceof CannotList)
        throw new CannotList('Remove the option adopt when all sessions have moved from its store');
      throw error;
    }
  }
}

function unlessTombstone(record: StoredRecord | undefined): StoredRecord | undefined {
  return record && !isTombstone(record) ? record : undefined;
}

function withoutKey({ key: _, version: __, ...record }: StoredRecord): SessionRecord {
  return record;
}

/** Applies the changes between `from` and `text`, by top-level property, to `onto`. */
function rebase(text: string, { from, onto }: { from: string; onto: string }): string {
  const [after, before, data] = [text, from, onto].map((each) => JSON.parse(each) as Record<string, unknown>);
  for (const key of Object.keys({ ...before, ...after })) {
    if (JSON.stringify(after?.[key]) === JSON.stringify(before?.[key])) continue;
    Object.assign(data as object, { [key]: after?.[key] });
  }
  return JSON.stringify(data);
}

/** Lets a driver accept session keys that include the id. Listed records keep the store's own keys. */
function withKeysFor(driver: Driver): Driver {
  if (driver.needsIds) return driver;
  return {
    read: async (key) => {
      const found = await driver.read(hashOf(key));
      return found && { ...found, key };
    },
    create: (key, record, version) => driver.create(hashOf(key), record, version),
    update: (key, version, record) => driver.update(hashOf(key), version, record),
    touch: (key, version, seenAtMs, expiresAtMs) => driver.touch(hashOf(key), version, seenAtMs, expiresAtMs),
    delete: (key) => driver.delete(hashOf(key)),
    setAside: (key) => driver.setAside(hashOf(key)),
    list: (query) => driver.list(query),
    prune: (nowMs, limit) => driver.prune(nowMs, limit),
    ping: () => driver.ping(),
    warnings: async () => (await driver.warnings?.()) ?? [],
    close: () => driver.close(),
  };
}

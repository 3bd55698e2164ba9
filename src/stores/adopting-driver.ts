import type { Driver, ListQuery, SessionRecord, StoredRecord } from './driver.ts';
import { hashOf } from './session-key.ts';
import { createTombstone, isTombstone } from './tombstone.ts';

/** For so long a session that ended cannot come back from a copy in the old store, which an interrupted move has left there. */
const tombstoneMs = 30 * 24 * 60 * 60 * 1000;
/** A move is over by then, or it was interrupted. */
export const moveMs = 10_000;
/** Of so many sessions a process knows whether they have left the old store. */
const knownLimit = 10_000;

/**
 * The new store, which takes over the sessions of the old one as their users come. Any number of processes may do so at the
 * same time, some that move sessions already and some that do not yet, and each may die at any instant:
 *
 * 1. What the new store has for a session key counts, a record as well as a tombstone. Only without either, the old store counts.
 * 2. Before it moves sessions, a process changes those of the old store there, and creates new ones there: the application
 *    with express-session may still be running beside it.
 * 3. A session moves when it is read: it is created in the new store, where only the first of several succeeds, and then deleted
 *    in the old one. It keeps its version.
 * 4. To end a session, a process first leaves a tombstone in the new store, and then deletes the record in the old one.
 * 5. A move that was interrupted between its two steps leaves a copy. A process deletes it when it meets the session again later.
 */
export class AdoptingDriver implements Driver {
  readonly needsIds = true;
  readonly #old: Driver;
  readonly #new: Driver;
  readonly #isMoving: () => boolean;
  /** When a session was first met in the new store; Infinity once it has left the old one. */
  readonly #metMs = new Map<string, number>();

  constructor(stores: { from: Driver; to: Driver }, isMoving: () => boolean) {
    this.#old = withKeysFor(stores.from);
    this.#new = withKeysFor(stores.to);
    this.#isMoving = isMoving;
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    const moved = await this.#new.read(key);
    if (moved) {
      this.#removeCopy(key);
      return unlessTombstone(moved);
    }
    const old = unlessTombstone(await this.#old.read(key));
    // It may have moved between the two.
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
    // When another process moves it meanwhile, that may have happened before this change.
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

  /** Without those of an old store that cannot list its sessions. */
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

  /** False: there is nothing to move, or another process moves it, or an interrupted move has left a copy. */
  async move(key: string): Promise<boolean> {
    const old = unlessTombstone(await this.#old.read(key));
    return old !== undefined && this.#move(key, old);
  }

  /** Deletes what an interrupted move has left in the old store. Not to be called within 10 seconds of a move. */
  async removeCopy(key: string): Promise<void> {
    if (await this.#new.read(key)) await this.#old.delete(key);
  }

  // The first time the move may still be under way.
  #removeCopy(key: string): void {
    const nowMs = performance.now();
    if (this.#metMs.size >= knownLimit) this.#metMs.clear();
    const metMs = this.#metMs.get(key) ?? nowMs;
    const isDue = nowMs - metMs >= moveMs;
    this.#metMs.set(key, isDue ? Number.POSITIVE_INFINITY : metMs);
    // When it fails, the session's next request tries again.
    if (isDue) this.#old.delete(key).catch(() => this.#metMs.delete(key));
  }

  async #move(key: string, old: StoredRecord): Promise<boolean> {
    if (!(await this.#new.create(key, withoutKey(old), old.version))) return false;
    await this.#finishMove(key, old);
    return true;
  }

  // What another process did in the old store since the record was read there was acknowledged.
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
    const tombstone = createTombstone(Date.now() + tombstoneMs);
    for (;;) {
      // No record has the version 0, so no process takes the tombstone for what it has read before.
      if (await this.#new.create(key, tombstone, 0)) return;
      const found = await this.#new.read(key);
      if (!found) continue;
      if (isTombstone(found) || (await this.#new.update(key, found.version, tombstone))) return;
    }
  }

  // The old store first: what leaves it meanwhile is in the new one by then, and may come twice.
  async *#listAll(query: ListQuery): AsyncGenerator<StoredRecord> {
    for await (const record of this.#old.list(query)) {
      const moved = await this.#new.read(record.key);
      // With the id of its copy, by which both can be deleted.
      if (moved) yield* unlessTombstone(moved) ? [{ ...moved, key: record.key }] : [];
      else if (unlessTombstone(record)) yield record;
    }
    for await (const record of this.#new.list(query)) if (unlessTombstone(record)) yield record;
  }
}

function unlessTombstone(record: StoredRecord | undefined): StoredRecord | undefined {
  return record && !isTombstone(record) ? record : undefined;
}

function withoutKey({ key: _, version: __, ...record }: StoredRecord): SessionRecord {
  return record;
}

/** The changes that made `text` of `from`, by their top-level keys, made to `onto`. */
function rebase(text: string, { from, onto }: { from: string; onto: string }): string {
  const [after, before, data] = [text, from, onto].map((each) => JSON.parse(each) as Record<string, unknown>);
  for (const key of Object.keys({ ...before, ...after })) {
    if (JSON.stringify(after?.[key]) === JSON.stringify(before?.[key])) continue;
    Object.assign(data as object, { [key]: after?.[key] });
  }
  return JSON.stringify(data);
}

/** The driver, for calls with the id behind each session key. The records of a list have what the store has. */
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

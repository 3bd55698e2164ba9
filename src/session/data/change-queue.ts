import { setTimeout as wait } from 'node:timers/promises';
import type { SessionRecord, StoredRecord } from '../../stores/driver.ts';
import { StoreUnavailable } from '../../stores/errors.ts';
import type { Data } from './data.ts';

/** How often a write is tried again when other processes change the same session at the same time. */
const attempts = 200;

export interface RecordChange {
  /** What the request has read. */
  known: StoredRecord;
  /** May alter what it is given, and may be called more than once. */
  toData: (data: Data) => Data;
  /** The secret that signs the client's cookie, when that is to be noted. */
  keyId?: string | undefined;
}

/** What the queue does with records. */
interface Steps {
  /** Undefined when the session is gone. */
  read(sessionKey: string): Promise<StoredRecord | undefined>;
  isLive(record: StoredRecord): boolean;
  apply(change: RecordChange, record: SessionRecord): SessionRecord;
  /** Compare-and-swap. */
  update(sessionKey: string, version: number, record: SessionRecord): Promise<boolean>;
}

type Stored = StoredRecord | undefined;

interface Waiting extends RecordChange {
  resolve: (stored: Stored) => void;
  reject: (error: unknown) => void;
}

/**
 * Changes of one session in this process do not compete: while one is being stored the others wait. They are then stored
 * by one write, in the order in which they came: so none waits longer than for two writes.
 */
export class ChangeQueue {
  readonly #steps: Steps;
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(steps: Steps) {
    this.#steps = steps;
  }

  /** Undefined when the session is gone. Rejects when the change throws, and when the store fails. */
  add(change: RecordChange): Promise<Stored> {
    const { key: sessionKey } = change.known;
    return new Promise((resolve, reject) => {
      const added = { ...change, resolve, reject };
      const waiting = this.#waiting.get(sessionKey);
      if (waiting) waiting.push(added);
      else void this.#run(sessionKey, [added]);
    });
  }

  async #run(sessionKey: string, waiting: Waiting[]): Promise<void> {
    this.#waiting.set(sessionKey, waiting);
    let latest: Stored;
    while (waiting.length > 0) latest = await this.#settle(waiting.splice(0), latest);
    this.#waiting.delete(sessionKey);
  }

  async #settle(changes: Waiting[], latest: Stored): Promise<Stored> {
    try {
      return await this.#store(changes, latest);
    } catch (error) {
      for (const { reject } of changes) reject(error);
      return undefined;
    }
  }

  async #store(changes: Waiting[], latest: Stored): Promise<Stored> {
    const known = findNewest(changes, latest);
    const { key: sessionKey } = known;
    // What has expired while the request ran may only have been seen by another one.
    let current: Stored = this.#steps.isLive(known) ? known : await this.#steps.read(sessionKey);
    let left = changes;
    for (let attempt = 1; current; attempt += 1) {
      const { version } = current;
      const { record, applied } = this.#apply(left, current);
      if (applied.length === 0) return current;
      if (await this.#steps.update(sessionKey, version, record)) {
        const stored = { ...record, key: sessionKey, version: version + 1 };
        for (const { resolve } of applied) resolve(stored);
        return stored;
      }
      if (attempt === attempts) throw new StoreUnavailable('too many changes of one session at the same time');
      if (attempt > 3) await wait(Math.random() * 5);
      current = await this.#steps.read(sessionKey);
      left = applied;
    }
    for (const { resolve } of left) resolve(undefined);
    return undefined;
  }

  // A change that fails takes nothing from the others.
  #apply(changes: Waiting[], current: StoredRecord): { record: SessionRecord; applied: Waiting[] } {
    let record: SessionRecord = current;
    const applied = changes.filter((change) => {
      try {
        record = this.#steps.apply(change, record);
        return true;
      } catch (error) {
        change.reject(error);
        return false;
      }
    });
    return { record, applied };
  }
}

function findNewest(changes: Waiting[], latest: Stored): StoredRecord {
  const known = [...(latest ? [latest] : []), ...changes.map((change) => change.known)];
  return known.reduce((newest, each) => (each.version > newest.version ? each : newest));
}

import { setImmediate as turn } from 'node:timers/promises';
import type { Driver, StoredRecord } from '../../src/stores/driver.ts';

/** Pseudo-random numbers from 0 to 1, the same for each seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A store in memory. Each call is atomic, with random delays before and after. */
export class MemoryStore {
  readonly records = new Map<string, StoredRecord>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A driver for the store. @param isAlive false: pending calls take no effect, or their results are never returned */
  connect(isAlive: () => boolean = () => true): Driver {
    const { records } = this;
    const call = async <T>(work: () => T): Promise<T> => {
      await this.#pause(isAlive);
      const result = work();
      await this.#pause(isAlive);
      return result;
    };
    const get = (key: string): StoredRecord | undefined => structuredClone(records.get(key));
    const replace = (key: string, version: number, record: Partial<StoredRecord>): boolean => {
      const old = records.get(key);
      if (old?.version !== version) return false;
      records.set(key, { ...old, ...record });
      return true;
    };
    return {
      read: (key) => call(() => get(key)),
      create: (key, record, version = 1) =>
        call(() => !records.has(key) && Boolean(records.set(key, { ...record, key, version }))),
      update: (key, version, record) => call(() => replace(key, version, { ...record, version: version + 1 })),
      touch: (key, version, seenAtMs, expiresAtMs) => call(() => void replace(key, version, { seenAtMs, expiresAtMs })),
      delete: (key) => call(() => void records.delete(key)),
      setAside: (key) => call(() => void records.delete(key)),
      async *list() {
        for (const key of [...records.keys()].sort()) {
          const record = await call(() => get(key));
          if (record) yield record;
        }
      },
      prune: () => call(() => 0),
      ping: () => call(() => undefined),
      close: async () => undefined,
    };
  }

  async #pause(isAlive: () => boolean): Promise<void> {
    // Sometimes the delay is long, so that other calls do much in the meantime.
    const longest = this.#random() < 0.02 ? 400 : 4;
    for (let left = Math.floor(this.#random() * longest); left > 0; left -= 1) await turn();
    if (!isAlive()) await new Promise(() => undefined);
  }
}

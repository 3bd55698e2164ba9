import type { SessionData, Store } from 'express-session';
import session from 'express-session';
import { orUndefined } from '../errors.ts';
import type { Driver, StoredRecord } from './driver.ts';
import { LatestVersions } from './latest-versions.ts';

/** The record, in the form of a session that such a store can keep and expire. */
interface Envelope extends SessionData {
  record?: Omit<StoredRecord, 'key'>;
}

type Finish<T> = (error?: unknown, value?: T) => void;

const drivers = new WeakMap<Store, Driver>();

/**
 * Uses any express-session store, such as connect-redis, in the place of a driver: `session({ store })` of `sessapp/session` does so.
 * It keeps every promise to the requests of one process. Such a store can only overwrite, so that requests in several
 * processes may still lose each other's changes or bring back a session that was destroyed; it has no lists by owner and
 * no pruning but its own; and what it acknowledged is as durable as the store makes it.
 * @returns the same driver for the same store: all its users in this process see each other's changes
 */
export function driverOf(store: Store): Driver {
  const driver = drivers.get(store) ?? createDriver(store);
  drivers.set(store, driver);
  return driver;
}

function createDriver(store: Store): Driver {
  const queue = new Queue();
  const versions = new LatestVersions();
  // For express-session too a store may say so of a session that is not there; one of files does.
  const unlessMissing = <T>(found: Promise<T>): Promise<T | undefined> => orUndefined(found, 'ENOENT');
  const read = async (key: string): Promise<StoredRecord | undefined> => {
    const startedMs = performance.now();
    const found = await unlessMissing(call<Envelope | null>((finish) => store.get(key, finish as never)));
    if (!found?.record) return undefined;
    versions.saw(key, found.record.version, startedMs);
    return { ...found.record, key };
  };
  const write = async (key: string, record: Omit<StoredRecord, 'key'>): Promise<void> => {
    try {
      await call((finish) => store.set(key, toEnvelope(record), finish));
      versions.wrote(key, record.version);
    } catch (error) {
      versions.forget(key);
      throw error;
    }
  };
  const remove = async (key: string): Promise<void> => {
    try {
      await unlessMissing(call((finish) => store.destroy(key, finish)));
    } finally {
      versions.forget(key);
    }
  };
  return {
    read,
    // Without a look whether it is there: the key is that of a new random id.
    create: (key, record) => queue.run(key, () => write(key, { ...record, version: 1 }).then(() => true)),
    update: (key, version, record) =>
      queue.run(key, async () => {
        if (!versions.isLatest(key, version) && (await read(key))?.version !== version) return false;
        await write(key, { ...record, version: version + 1 });
        return true;
      }),
    touch: (key, version, seenAtMs, expiresAtMs) =>
      queue.run(key, async () => {
        const found = await read(key);
        if (found?.version === version) await write(key, { ...withoutKey(found), seenAtMs, expiresAtMs });
      }),
    delete: (key) => queue.run(key, () => remove(key)),
    setAside: (key) => queue.run(key, () => remove(key)),
    list: () => {
      throw new Error('an express-session store has no lists');
    },
    prune: async () => 0,
    ping: async () => void (await read('ping')),
    close: async () => undefined,
  };
}

function withoutKey({ key: _, ...record }: StoredRecord): Omit<StoredRecord, 'key'> {
  return record;
}

function toEnvelope(record: Omit<StoredRecord, 'key'>): Envelope {
  const cookie = new session.Cookie();
  cookie.expires = new Date(record.expiresAtMs);
  return { cookie, record } as Envelope;
}

function call<T>(start: (finish: Finish<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value as T)));
  });
}

/** Runs the work for one key one after the other. */
class Queue {
  readonly #last = new Map<string, Promise<unknown>>();

  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const last = this.#last.get(key);
    const result = last === undefined ? work() : last.then(work, work);
    this.#last.set(key, result);
    const forget = (): void => {
      if (this.#last.get(key) === result) this.#last.delete(key);
    };
    result.then(forget, forget);
    return result;
  }
}

import type { SessionData, Store } from 'express-session';
import { orUndefined } from '../errors.ts';
import type { Driver, SessionRecord, StoredRecord } from './driver.ts';
import { callWhileConnected } from './express-call.ts';
import { list } from './express-list.ts';
import { type ExpressForm, type ExpressSession, toExpressSession, toRecord } from './express-record.ts';
import { idOf } from './session-key.ts';

/**
 * Uses any express-session store, such as connect-redis, as a driver. `session({ store })` of `sessapp/session` does this.
 * Sessions are stored under their ids and in express-session's form, so that express-session may use the store at the same time.
 *
 * Within one process, all guarantees of a driver hold. Such a store can only overwrite, so between a read and a write, requests
 * in different processes may lose each other's changes or restore a destroyed session. Sessions can be listed only if the store
 * can list them. `prune` does nothing. Writes are as durable as the store makes them.
 */
export function driverOf(store: Store, form: ExpressForm = {}): Driver {
  const queue = new Queue();
  const call = callWhileConnected(store);
  const get = (id: string): Promise<ExpressSession | undefined> =>
    unlessMissing(call<SessionData>((finish) => store.get(id, finish as never))).then(
      (found) => found ?? undefined,
    ) as never;
  const set = (id: string, record: SessionRecord & { version: number }, before?: ExpressSession): Promise<void> =>
    call((finish) => store.set(id, toExpressSession(record, form, before), finish));
  const read = async (key: string): Promise<StoredRecord | undefined> => {
    const found = await get(idOf(key));
    return found && toRecord(key, found, form);
  };
  const remove = (key: string): Promise<void> =>
    queue.run(key, async () => unlessMissing(call<void>((finish) => store.destroy(idOf(key), finish))));
  /** Stores the result of `change` if the record still has this version. */
  const swap = (key: string, version: number, change: (found: StoredRecord) => SessionRecord & { version: number }) =>
    queue.run(key, async () => {
      const found = await get(idOf(key));
      const record = found && toRecord(key, found, form);
      if (record?.version !== version) return false;
      await set(idOf(key), change(record), found);
      return true;
    });
  return {
    needsIds: true,
    read,
    // Without a version, the id is new and random, so it cannot exist already.
    create: (key, record, version) =>
      queue.run(key, async () => {
        if (version !== undefined && (await get(idOf(key)))) return false;
        await set(idOf(key), { ...record, version: version ?? 1 });
        return true;
      }),
    update: (key, version, record) => swap(key, version, () => ({ ...record, version: version + 1 })),
    touch: (key, version, seenAtMs, expiresAtMs) =>
      queue.run(key, async () => {
        const found = await get(idOf(key));
        const record = found && toRecord(key, found, form);
        if (record?.version !== version) return;
        const touched = { ...record, seenAtMs, expiresAtMs };
        const isDue = seenAtMs - record.seenAtMs >= (record.expiresAtMs - record.seenAtMs) / 10;
        if (form.resave !== false || isDue || !store.touch) return set(idOf(key), touched, found);
        await call((finish) => store.touch?.(idOf(key), toExpressSession(touched, form, found) as SessionData, finish));
      }),
    delete: remove,
    setAside: remove,
    list: (query) => list(store, read, query),
    prune: async () => 0,
    ping: async () => void (await get('ping')),
    close: async () => undefined,
  };
}

// A store may fail with ENOENT for a missing session, as session-file-store does. express-session accepts this too.
function unlessMissing<T>(found: Promise<T>): Promise<T | undefined> {
  return orUndefined(found, 'ENOENT');
}

/** Runs the work for one session key sequentially. */
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

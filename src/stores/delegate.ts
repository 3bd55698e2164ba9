import type { Driver, ListQuery, StoredRecord } from './driver.ts';

/** Says which driver counts. */
export interface Choice {
  current(): Promise<Driver>;
  close(): Promise<void>;
}

/** A driver that leaves each call to the one that counts when the call begins; the call ends with that one. */
export function delegate(choice: Choice): Driver {
  const current = (): Promise<Driver> => choice.current();
  return {
    read: async (key) => (await current()).read(key),
    create: async (key, record, version) => (await current()).create(key, record, version),
    update: async (key, version, record) => (await current()).update(key, version, record),
    touch: async (key, version, seenAtMs, expiresAtMs) => (await current()).touch(key, version, seenAtMs, expiresAtMs),
    delete: async (key) => (await current()).delete(key),
    setAside: async (key) => (await current()).setAside(key),
    list: (query) => list(current, query),
    prune: async (nowMs, limit) => (await current()).prune(nowMs, limit),
    ping: async () => (await current()).ping(),
    warnings: async () => (await (await current()).warnings?.()) ?? [],
    close: () => choice.close(),
  };
}

async function* list(current: () => Promise<Driver>, query: ListQuery): AsyncGenerator<StoredRecord> {
  yield* (await current()).list(query);
}

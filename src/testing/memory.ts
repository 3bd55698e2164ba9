import type { Driver, ListQuery, StoredRecord } from '../stores/driver.ts';
import { openLater } from '../stores/wrap.ts';

/** A store in the memory of this process, for tests. It behaves like the other stores, except that a crash loses its data. */
export function memory(): Driver {
  const driver = createDriver();
  return openLater(async () => driver);
}

function createDriver(): Driver {
  const records = new Map<string, StoredRecord>();
  const aside = new Map<string, StoredRecord>();
  const get = (key: string): StoredRecord | undefined => structuredClone(records.get(key));
  return {
    read: async (key) => get(key),
    create: async (key, record, version = 1) => {
      if (records.has(key)) return false;
      records.set(key, { ...structuredClone(record), key, version });
      return true;
    },
    update: async (key, version, record) => {
      if (records.get(key)?.version !== version) return false;
      records.set(key, { ...structuredClone(record), key, version: version + 1 });
      return true;
    },
    touch: async (key, version, seenAtMs, expiresAtMs) => {
      const old = records.get(key);
      if (old?.version === version) records.set(key, { ...old, seenAtMs, expiresAtMs });
    },
    delete: async (key) => void records.delete(key),
    setAside: async (key) => {
      const record = records.get(key);
      if (record) aside.set(key, record);
      records.delete(key);
    },
    list: (query) => list([...records.values()], query, get),
    prune: async (nowMs, limit) => {
      const expired = [...records.values()].filter(({ expiresAtMs }) => expiresAtMs <= nowMs).slice(0, limit);
      for (const { key } of expired) records.delete(key);
      return expired.length;
    },
    countSetAside: async () => aside.size,
    ping: async () => undefined,
    close: async () => undefined,
  };
}

async function* list(
  records: StoredRecord[],
  { owner, prefix, expiresBeforeMs = Number.POSITIVE_INFINITY, limit = Number.POSITIVE_INFINITY }: ListQuery,
  get: (key: string) => StoredRecord | undefined,
): AsyncIterable<StoredRecord> {
  const isByKey = owner !== undefined || prefix !== undefined;
  const sorted = records
    .filter((record) => (owner === undefined || record.owner === owner) && record.key.startsWith(prefix ?? ''))
    .sort((a, b) => (isByKey ? 0 : a.expiresAtMs - b.expiresAtMs) || (a.key < b.key ? -1 : 1));
  let left = limit;
  for (const { key } of sorted) {
    if (left <= 0) return;
    const record = get(key);
    if (!record || record.expiresAtMs >= expiresBeforeMs) continue;
    left -= 1;
    yield record;
  }
}

import type { Driver, ListQuery, StoredRecord } from './driver.ts';
import { StoreClosed } from './errors.ts';

/** How a wrapper makes one call: it chooses the driver, and can handle the result. */
export type Around = <T>(call: (driver: Driver) => Promise<T>) => Promise<T>;

/**
 * Creates a driver that makes every call through `around`. Optional methods always exist; for a driver without them, they
 * resolve to `undefined`, `false` or an empty array.
 * @param close closes the wrapper; by default it closes the driver
 */
export function wrap(around: Around, close?: () => Promise<void>): Driver {
  return {
    read: (key) => around((driver) => driver.read(key)),
    create: (key, record, version) => around((driver) => driver.create(key, record, version)),
    update: (key, version, record) => around((driver) => driver.update(key, version, record)),
    touch: (key, version, seenAtMs, expiresAtMs) =>
      around((driver) => driver.touch(key, version, seenAtMs, expiresAtMs)),
    delete: (key) => around((driver) => driver.delete(key)),
    setAside: (key) => around((driver) => driver.setAside(key)),
    prune: (nowMs, limit) => around((driver) => driver.prune(nowMs, limit)),
    ping: () => around((driver) => driver.ping()),
    list: (query) => list(around, query),
    countSetAside: () => around(async (driver) => driver.countSetAside?.()),
    backup: (file) => around(async (driver) => (await driver.backup?.(file)) ?? false),
    warnings: () => around(async (driver) => (await driver.warnings?.()) ?? []),
    close: close ?? (() => around((driver) => driver.close())),
  };
}

// A list uses the driver that it began with. Each step may fail, so each goes through `around`.
async function* list(around: Around, query: ListQuery): AsyncGenerator<StoredRecord> {
  const records = await around(async (driver) => driver.list(query)[Symbol.asyncIterator]());
  try {
    for (;;) {
      const { value, done } = await around(() => records.next());
      if (done) return;
      yield value;
    }
  } finally {
    await records.return?.();
  }
}

/**
 * Creates a driver that the first call opens. If opening fails, the next call tries again. After `close`, calls reject with
 * StoreClosed.
 */
export function openLater(open: () => Promise<Driver>): Driver {
  let opening: Promise<Driver> | undefined;
  let opened: Driver | undefined;
  let isClosed = false;
  const current = (): Promise<Driver> => {
    opening ??= openNow();
    return opening;
  };
  const openNow = async (): Promise<Driver> => {
    try {
      opened = await open();
      return opened;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  };
  return wrap(
    (call) => {
      if (isClosed) return Promise.reject(new StoreClosed());
      return opened ? call(opened) : current().then(call);
    },
    async () => {
      isClosed = true;
      await (await opening)?.close();
    },
  );
}

import { chmod, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Database, open as openLmdb, type RootDatabase } from 'lmdb';
import type { Driver, DriverOptions, ListQuery, SessionRecord, StoredRecord } from './driver.ts';

type Value = SessionRecord & { version: number };
type IndexKey = [field: number | string, key: string];

/** Opens the embedded store: one LMDB file, which any number of processes on this machine may share. */
export async function open({ dataDirectory }: DriverOptions): Promise<Driver> {
  const directory = join(dataDirectory, 'sessions');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const root = openLmdb({
    path: directory,
    // An awaited write is then on the disk, not only in memory.
    overlappingSync: false,
    maxReaders: 1024,
    // Address space, not disk: so large that processes need not agree on a larger map while they run.
    mapSize: 2 ** 36,
  });
  for (const file of await readdir(directory)) await chmod(join(directory, file), 0o600);
  return new EmbeddedDriver(root);
}

class EmbeddedDriver implements Driver {
  readonly #root: RootDatabase;
  readonly #records: Database<Value, string>;
  readonly #byExpiry: Database<null, IndexKey>;
  readonly #byOwner: Database<null, IndexKey>;
  readonly #aside: Database<Buffer, string>;

  constructor(root: RootDatabase) {
    this.#root = root;
    this.#records = root.openDB({ name: 'records' });
    this.#byExpiry = root.openDB({ name: 'by-expiry' });
    this.#byOwner = root.openDB({ name: 'by-owner' });
    this.#aside = root.openDB({ name: 'aside', encoding: 'binary' });
  }

  async read(key: string): Promise<StoredRecord | undefined> {
    return this.#get(key);
  }

  create(key: string, record: SessionRecord): Promise<boolean> {
    return this.#root.transaction(() => {
      if (this.#records.doesExist(key)) return false;
      this.#put(key, undefined, { ...record, version: 1 });
      return true;
    });
  }

  update(key: string, version: number, record: SessionRecord): Promise<boolean> {
    return this.#root.transaction(() => {
      const old = this.#records.get(key);
      if (old?.version !== version) return false;
      this.#put(key, old, { ...record, version: version + 1 });
      return true;
    });
  }

  touch(key: string, seenAtMs: number, expiresAtMs: number): Promise<void> {
    return this.#root.transaction(() => {
      const old = this.#records.get(key);
      if (old) this.#put(key, old, { ...old, seenAtMs, expiresAtMs });
    });
  }

  delete(key: string): Promise<void> {
    return this.#root.transaction(() => this.#remove(key));
  }

  setAside(key: string): Promise<void> {
    return this.#root.transaction(() => {
      const bytes = this.#records.getBinary(key);
      if (bytes) this.#aside.putSync(key, bytes);
      this.#remove(key);
    });
  }

  async *list({ owner, expiresBeforeMs, limit }: ListQuery): AsyncIterable<StoredRecord> {
    let left = limit ?? Number.POSITIVE_INFINITY;
    for (const key of this.#keys(owner, expiresBeforeMs)) {
      if (left <= 0) return;
      const record = this.#get(key);
      if (!record || record.expiresAtMs >= (expiresBeforeMs ?? Number.POSITIVE_INFINITY)) continue;
      left -= 1;
      yield record;
    }
  }

  prune(nowMs: number, limit: number): Promise<number> {
    return this.#root.transaction(() => {
      const range = this.#byExpiry.getKeys({ end: [nowMs, '\uffff'], limit });
      const expired = [...range];
      for (const entry of expired) {
        this.#remove(entry[1]);
        // It outlives a record that nobody could read.
        this.#byExpiry.removeSync(entry);
      }
      return expired.length;
    });
  }

  async ping(): Promise<void> {
    this.#records.get('');
  }

  close(): Promise<void> {
    return this.#root.close();
  }

  #get(key: string): StoredRecord | undefined {
    const value = this.#decode(key);
    return value && { ...value, key };
  }

  // Bytes that are no record give an empty one, which the session layer sets aside.
  #decode(key: string): Value | undefined {
    const bytes = this.#records.getBinary(key);
    if (!bytes) return undefined;
    try {
      const value: unknown = this.#records.get(key);
      return (typeof value === 'object' && value !== null ? value : {}) as Value;
    } catch {
      return {} as Value;
    }
  }

  *#keys(owner: string | undefined, expiresBeforeMs: number | undefined): Iterable<string> {
    const range =
      owner === undefined
        ? this.#byExpiry.getKeys(expiresBeforeMs === undefined ? {} : { end: [expiresBeforeMs, ''] })
        : this.#byOwner.getKeys({ start: [owner, ''], end: [owner, '\uffff'] });
    for (const [, key] of range) yield key;
  }

  // In a transaction: the record and both indexes change together.
  #put(key: string, old: Value | undefined, value: Value): void {
    if (old) this.#unindex(key, old);
    this.#records.putSync(key, value);
    this.#byExpiry.putSync([value.expiresAtMs, key], null);
    if (value.owner !== undefined) this.#byOwner.putSync([value.owner, key], null);
  }

  #remove(key: string): void {
    const old = this.#decode(key);
    if (!old) return;
    this.#unindex(key, old);
    this.#records.removeSync(key);
  }

  #unindex(key: string, { expiresAtMs, owner }: Value): void {
    if (expiresAtMs !== undefined) this.#byExpiry.removeSync([expiresAtMs, key]);
    if (owner !== undefined) this.#byOwner.removeSync([owner, key]);
  }
}

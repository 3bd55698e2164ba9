import { type Database, type Key, open as openLmdb, type RootDatabase } from 'lmdb';
import type { Driver, ListQuery, SessionRecord, StoredRecord } from '../driver.ts';
import { Alone } from './alone.ts';
import { Commits } from './commits.ts';
import { copyTo } from './copy.ts';
import { keepPrivate, prepareFiles } from './files.ts';
import { GroupedReads } from './reads.ts';
import { Writes } from './writes.ts';

type Value = SessionRecord & { version: number };
type IndexKey = [field: number | string, key: string];

const pageLength = 100;
/** Comes after every character of a key. */
const last = '\uffff';

/** Opens the embedded store: one LMDB file, which any number of processes on this machine may share. */
export async function open(directory: string): Promise<Driver> {
  await prepareFiles(directory);
  const alone = new Alone(directory);
  const commits = new Commits(directory);
  return alone.run(async () => {
    try {
      await commits.settle();
      const root = commits.keep(() => openLmdb({ path: directory, ...options }));
      await keepPrivate(directory);
      return new EmbeddedDriver(root, alone, commits);
    } catch (error) {
      commits.close();
      throw error;
    }
  });
}

const options = {
  // An awaited write is then on the disk, not only in memory.
  overlappingSync: false,
  // Its batches are promises that nobody waits for: a failed commit would end the process.
  eventTurnBatching: false,
  maxReaders: 1024,
  // Address space, not disk: so large that processes need not agree on a larger map while they run.
  mapSize: 2 ** 36,
};

class EmbeddedDriver implements Driver {
  readonly #root: RootDatabase;
  readonly #alone: Alone;
  readonly #commits: Commits;
  readonly #writes: Writes;
  readonly #records: Database<Value, string>;
  readonly #byExpiry: Database<null, IndexKey>;
  readonly #byOwner: Database<null, IndexKey>;
  readonly #aside: Database<Buffer, string>;
  #copied: Promise<unknown> = Promise.resolve();
  // Without the reset LMDB reads for a millisecond and more what was there before another process changed it.
  readonly #reads = new GroupedReads(
    () => this.#root.resetReadTxn(),
    (key) => this.#get(key),
  );

  constructor(root: RootDatabase, alone: Alone, commits: Commits) {
    this.#root = root;
    this.#alone = alone;
    this.#commits = commits;
    this.#writes = new Writes(root, alone, commits);
    this.#records = root.openDB({ name: 'records' });
    this.#byExpiry = root.openDB({ name: 'by-expiry' });
    this.#byOwner = root.openDB({ name: 'by-owner' });
    this.#aside = root.openDB({ name: 'aside', encoding: 'binary' });
  }

  read(key: string): Promise<StoredRecord | undefined> {
    return this.#reads.read(key);
  }

  create(key: string, record: SessionRecord, version = 1): Promise<boolean> {
    return this.#write(() => {
      if (this.#records.doesExist(key)) return false;
      this.#put(key, undefined, { ...record, version });
      return true;
    });
  }

  update(key: string, version: number, record: SessionRecord): Promise<boolean> {
    return this.#write(() => {
      const old = this.#decode(key);
      if (old?.version !== version) return false;
      this.#put(key, old, { ...record, version: version + 1 });
      return true;
    });
  }

  touch(key: string, version: number, seenAtMs: number, expiresAtMs: number): Promise<void> {
    return this.#write(() => {
      const old = this.#decode(key);
      if (old?.version === version) this.#put(key, old, { ...old, seenAtMs, expiresAtMs });
    });
  }

  delete(key: string): Promise<void> {
    return this.#write(() => this.#remove(key));
  }

  setAside(key: string): Promise<void> {
    return this.#write(() => {
      const bytes = this.#records.getBinary(key);
      if (bytes) this.#aside.putSync(key, bytes);
      this.#remove(key);
    });
  }

  async *list(query: ListQuery): AsyncIterable<StoredRecord> {
    const { expiresBeforeMs = Number.POSITIVE_INFINITY, limit = Number.POSITIVE_INFINITY } = query;
    let left = limit;
    for (const key of this.#keys(query)) {
      if (left <= 0) return;
      const record = this.#get(key);
      if (!record || record.expiresAtMs >= expiresBeforeMs) continue;
      left -= 1;
      yield record;
    }
  }

  prune(nowMs: number, limit: number): Promise<number> {
    // A process that was killed while it read keeps space from being used again, until somebody looks.
    this.#root.readerCheck();
    return this.#write(() => {
      const range = this.#byExpiry.getKeys({ end: [nowMs, last], limit });
      const expired = [...range];
      for (const entry of expired) {
        const [expiresAtMs, key] = entry;
        // It outlives a record that nobody could read, and may meet another one of this key.
        this.#byExpiry.removeSync(entry);
        if ((this.#decode(key)?.expiresAtMs ?? expiresAtMs) === expiresAtMs) this.#remove(key);
      }
      return expired.length;
    });
  }

  async countSetAside(): Promise<number> {
    return this.#aside.getCount({});
  }

  async backup(file: string): Promise<boolean> {
    const copied = copyTo(this.#root, file);
    this.#copied = Promise.allSettled([this.#copied, copied]);
    await copied;
    return true;
  }

  async ping(): Promise<void> {
    this.#records.get('');
  }

  async close(): Promise<void> {
    this.#reads.flush();
    // LMDB copies in a thread of its own; to close the file under it ends the process.
    await this.#copied;
    await this.#alone.run(() => this.#root.close());
    this.#commits.close();
  }

  #write<T>(work: () => T): Promise<T> {
    return this.#writes.run(work);
  }

  #get(key: string): StoredRecord | undefined {
    const value = this.#decode(key);
    return value && { ...value, key };
  }

  // Bytes that are no record give an empty one, which the session layer sets aside.
  #decode(key: string): Value | undefined {
    try {
      const value: unknown = this.#records.get(key);
      if (typeof value === 'object' && value !== null) return value as Value;
    } catch {
      // It may be the store that fails: then it fails again.
      this.#records.getBinary(key);
      return {} as Value;
    }
    return this.#records.doesExist(key) ? ({} as Value) : undefined;
  }

  *#keys({ owner, prefix, expiresBeforeMs }: ListQuery): Iterable<string> {
    if (prefix !== undefined) {
      yield* this.#inPages(this.#records, { start: prefix, end: prefix + last });
      return;
    }
    const pages: Iterable<IndexKey> =
      owner === undefined
        ? this.#inPages(this.#byExpiry, expiresBeforeMs === undefined ? {} : { end: [expiresBeforeMs, ''] })
        : this.#inPages(this.#byOwner, { start: [toIndex(owner), ''], end: [toIndex(owner), last] });
    for (const [, key] of pages) yield key;
  }

  // As long as LMDB reads on, no space is used again; and whoever reads a list may take a break.
  *#inPages<K extends Key>(database: Database<unknown, K>, range: { start?: K; end?: K }): Iterable<K> {
    const readPage = (from: object): K[] => {
      this.#root.resetReadTxn();
      return [...database.getKeys({ ...range, ...from, limit: pageLength })];
    };
    for (let page = readPage({}); page.length > 0; page = readPage({ start: page.at(-1), exclusiveStart: true })) {
      yield* page;
    }
  }

  // In a transaction: the record and both indexes change together. Most changes leave the indexes as they are.
  #put(key: string, old: Value | undefined, value: Value): void {
    this.#records.putSync(key, value);
    if (old?.expiresAtMs === value.expiresAtMs && old.owner === value.owner) return;
    if (old) this.#unindex(key, old);
    this.#byExpiry.putSync([value.expiresAtMs, key], null);
    if (value.owner !== undefined) this.#byOwner.putSync([toIndex(value.owner), key], null);
  }

  #remove(key: string): void {
    const old = this.#decode(key);
    if (!old) return;
    this.#unindex(key, old);
    this.#records.removeSync(key);
  }

  #unindex(key: string, { expiresAtMs, owner }: Value): void {
    if (expiresAtMs !== undefined) this.#byExpiry.removeSync([expiresAtMs, key]);
    if (owner !== undefined) this.#byOwner.removeSync([toIndex(owner), key]);
  }
}

// LMDB's keys end parts with control characters, and of a long text do not escape its own.
function toIndex(owner: string): string {
  return owner.replace(/[\\\p{Cc}]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

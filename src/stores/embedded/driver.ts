import type { Database, Key, RootDatabase } from 'lmdb';
import type { Driver, ListQuery, SessionRecord, StoredRecord } from '../driver.ts';
import { copyTo } from './copy.ts';
import { type OpenFile, openFile } from './open-file.ts';
import { GroupedReads } from './reads.ts';

type Value = SessionRecord & { version: number };
type IndexKey = [field: number | string, key: string];

const pageLength = 100;
/** Sorts after every character of a session key. */
const last = '\uffff';

/** Opens the embedded store: one LMDB file that any number of processes on this machine may share. */
export async function open(directory: string): Promise<Driver> {
  return new EmbeddedDriver(await openFile(directory, openTables));
}

type Tables = ReturnType<typeof openTables>;

function openTables(root: RootDatabase) {
  return {
    records: root.openDB<Value, string>({ name: 'records' }),
    byExpiry: root.openDB<null, IndexKey>({ name: 'by-expiry' }),
    byOwner: root.openDB<null, IndexKey>({ name: 'by-owner' }),
    aside: root.openDB<Buffer, string>({ name: 'aside', encoding: 'binary' }),
  };
}

class EmbeddedDriver implements Driver {
  readonly #file: OpenFile<Tables>;
  readonly #records: Tables['records'];
  readonly #byExpiry: Tables['byExpiry'];
  readonly #byOwner: Tables['byOwner'];
  readonly #aside: Tables['aside'];
  #copied: Promise<unknown> = Promise.resolve();
  // Without the reset, LMDB returns data that is a millisecond or more old when another process changed it.
  readonly #reads = new GroupedReads(
    () => this.#file.root.resetReadTxn(),
    (key) => this.#get(key),
  );

  constructor(file: OpenFile<Tables>) {
    const { records, byExpiry, byOwner, aside } = file.tables;
    this.#file = file;
    this.#records = records;
    this.#byExpiry = byExpiry;
    this.#byOwner = byOwner;
    this.#aside = aside;
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
    // A process that was killed during a read blocks the reuse of space until this check removes its reader slot.
    this.#file.root.readerCheck();
    return this.#write(() => {
      const range = this.#byExpiry.getKeys({ end: [nowMs, last], limit });
      const expired = [...range];
      for (const entry of expired) {
        const [expiresAtMs, key] = entry;
        // The entry may be left over from a damaged record, and there may be a newer record with this key.
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
    const copied = copyTo(this.#file.root, file);
    this.#copied = Promise.allSettled([this.#copied, copied]);
    await copied;
    return true;
  }

  async ping(): Promise<void> {
    this.#records.get('');
  }

  async close(): Promise<void> {
    this.#reads.flush();
    // LMDB copies in another thread. Closing the file during a copy crashes the process.
    await this.#copied;
    await this.#file.close();
  }

  #write<T>(work: () => T): Promise<T> {
    return this.#file.write(work);
  }

  #get(key: string): StoredRecord | undefined {
    const value = this.#decode(key);
    return value && { ...value, key };
  }

  // A value that is not a record becomes an empty record, which the session layer sets aside.
  #decode(key: string): Value | undefined {
    try {
      const value: unknown = this.#records.get(key);
      if (typeof value === 'object' && value !== null) return value as Value;
    } catch {
      // If the store itself fails, this call throws too.
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

  // Read in pages: an open read transaction blocks the reuse of space, and the consumer of a list may pause.
  *#inPages<K extends Key>(database: Database<unknown, K>, range: { start?: K; end?: K }): Iterable<K> {
    const readPage = (from: object): K[] => {
      this.#file.root.resetReadTxn();
      return [...database.getKeys({ ...range, ...from, limit: pageLength })];
    };
    for (let page = readPage({}); page.length > 0; page = readPage({ start: page.at(-1), exclusiveStart: true })) {
      yield* page;
    }
  }

  // Call this in a transaction: the record and both indexes change together. Most changes do not affect the indexes.
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

// lmdb separates the parts of a key with control characters, and does not escape control characters in a long text.
function toIndex(owner: string): string {
  return owner.replace(/[\\\p{Cc}]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

import { resolve } from 'node:path';
import type { Database as LmdbDatabase } from 'lmdb';
import { importPeer } from '../peer.ts';
import type { OpenFile } from './open-file.ts';

/** Which keys to list, in their order: those before `end`, and at most `limit`. */
export interface KeyRange {
  end?: string;
  limit?: number;
}

/** Values by their keys. A value is what JSON can hold; a key has at most 1,900 bytes. */
export interface Table<Value> {
  get(key: string): Value | undefined;
  keys(range?: KeyRange): string[];
  /** Within `write` only. */
  put(key: string, value: Value): void;
  /** Within `write` only. */
  remove(key: string): void;
}

export interface DatabaseOptions<Name extends string> {
  /** The directory of its files, which is made where it is missing; relative to the working directory. */
  directory: string;
  /** The names of its tables. One that is missing is made. */
  tables: readonly Name[];
}

/** An LMDB file for an application's own data. */
export interface Database<Name extends string = string> {
  table<Value>(name: Name): Table<Value>;
  /**
   * Runs `work`, which cannot be async, as one transaction: nobody else writes meanwhile, and when it throws nothing has
   * changed. Resolves with its result once that is on the disk.
   */
  write<T>(work: () => T): Promise<T>;
  close(): Promise<void>;
}

const open = new Set<string>();

/**
 * Opens a file as the session store opens its own: any number of processes on one machine may share it. The directory
 * must not lie on a network file system, and must not be that of a session store.
 * @throws Error when this process has it open already: LMDB would lose its locks
 */
export async function openDatabase<Name extends string>(options: DatabaseOptions<Name>): Promise<Database<Name>> {
  const path = resolve(options.directory);
  if (open.has(path)) throw new Error(`${path} is open in this process already: open it once, and share it.`);
  open.add(path);
  try {
    const { openFile } = await importPeer('embedded', 'lmdb', () => import('./open-file.ts'));
    const file = await openFile(path, (root) => new Map(options.tables.map((name) => [name, root.openDB({ name })])));
    return new Tables(file, () => open.delete(path));
  } catch (error) {
    open.delete(path);
    throw error;
  }
}

class Tables<Name extends string> implements Database<Name> {
  readonly #file: OpenFile<Map<Name, LmdbDatabase>>;
  readonly #afterClose: () => void;
  #isWriting = false;

  constructor(file: OpenFile<Map<Name, LmdbDatabase>>, afterClose: () => void) {
    this.#file = file;
    this.#afterClose = afterClose;
  }

  table<Value>(name: Name): Table<Value> {
    const database = this.#file.tables.get(name) as LmdbDatabase<Value, string> | undefined;
    if (!database) throw new TypeError(`openDatabase was not told of a table '${name}'`);
    return {
      get: (key) => this.#refreshed(() => database.get(key)),
      keys: (range = {}) => this.#refreshed(() => [...database.getKeys(range)]),
      put: (key, value) => this.#within(() => database.putSync(key, value)),
      remove: (key) => this.#within(() => database.removeSync(key)),
    };
  }

  write<T>(work: () => T): Promise<T> {
    return this.#file.write(() => {
      this.#isWriting = true;
      try {
        // LMDB commits several writes at once: a transaction in theirs, which alone is undone when the work throws.
        return this.#file.root.transactionSync(work);
      } finally {
        this.#isWriting = false;
      }
    });
  }

  async close(): Promise<void> {
    await this.#file.close();
    this.#afterClose();
  }

  // Without the reset LMDB reads for a millisecond and more what was there before another process changed it.
  #refreshed<T>(read: () => T): T {
    if (!this.#isWriting) this.#file.root.resetReadTxn();
    return read();
  }

  // Outside of a transaction LMDB would write at once, without the checks that keep other processes' commits.
  #within(change: () => unknown): void {
    if (!this.#isWriting) throw new Error('A table is changed within write() of its database only.');
    change();
  }
}

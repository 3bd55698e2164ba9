import { resolve } from 'node:path';
import type { Database as LmdbDatabase } from 'lmdb';
import { StoreClosed } from '../errors.ts';
import { findTextFault, verifyOptions } from '../options.ts';
import { importPeer } from '../peer.ts';
import type { OpenFile } from './open-file.ts';

/** Selects keys in their order: only keys before `end`, and at most `limit` keys. */
export interface KeyRange {
  end?: string;
  limit?: number;
}

/** Maps keys to values. A value must have a JSON form. A key has at most 1,900 bytes. */
export interface Table<Value> {
  get(key: string): Value | undefined;
  keys(range?: KeyRange): string[];
  /** Sets a value. Call it only inside `write`. */
  put(key: string, value: Value): void;
  /** Removes a key. Call it only inside `write`. */
  remove(key: string): void;
}

export interface DatabaseOptions<Name extends string> {
  /** The directory of the database's files, relative to the working directory. It is created if it is missing. */
  directory: string;
  /** The names of the tables. Missing tables are created. */
  tables: readonly Name[];
}

/** An LMDB database for an application's own data. */
export interface Database<Name extends string = string> {
  table<Value>(name: Name): Table<Value>;
  /**
   * Runs `work`, which cannot be async, as one transaction: no other process writes meanwhile, and if it throws, nothing
   * changes. Resolves to its result after the changes are on disk.
   */
  write<T>(work: () => T): Promise<T>;
  close(): Promise<void>;
}

const open = new Set<string>();

/**
 * Opens a database as the embedded session store does: any number of processes on one machine may share it. The directory must
 * not be on a network file system, and must not be the directory of a session store.
 * @throws TypeError when an option is not valid, or Error when this process already has it open: LMDB would lose its locks
 */
export async function openDatabase<Name extends string>(options: DatabaseOptions<Name>): Promise<Database<Name>> {
  verifyOptions(options, "openDatabase({ directory: 'data/shop', tables: ['orders'] })", {
    directory: findTextFault,
    tables: (value) => (Array.isArray(value) ? undefined : 'must be an array of names'),
  });
  const path = resolve(options.directory);
  if (open.has(path)) throw new Error(`${path} is already open in this process: open it once and share it.`);
  open.add(path);
  try {
    const { openFile } = await importPeer('the embedded store', 'lmdb', () => import('./open-file.ts'));
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
  #isClosed = false;

  constructor(file: OpenFile<Map<Name, LmdbDatabase>>, afterClose: () => void) {
    this.#file = file;
    this.#afterClose = afterClose;
  }

  table<Value>(name: Name): Table<Value> {
    const database = this.#file.tables.get(name) as LmdbDatabase<Value, string> | undefined;
    if (!database) throw new TypeError(`there is no table '${name}': add it to the option tables of openDatabase`);
    return {
      get: (key) => this.#refreshed(() => database.get(key)),
      keys: (range = {}) => this.#refreshed(() => [...database.getKeys(range)]),
      put: (key, value) => this.#within(() => database.putSync(key, value)),
      remove: (key) => this.#within(() => database.removeSync(key)),
    };
  }

  async write<T>(work: () => T): Promise<T> {
    this.#verifyOpen();
    return this.#file.write(() => {
      this.#isWriting = true;
      try {
        // LMDB commits several writes together. A nested transaction lets it undo only this work if it throws.
        return this.#file.root.transactionSync(work);
      } finally {
        this.#isWriting = false;
      }
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#file.close();
    this.#afterClose();
  }

  // Without the reset, LMDB returns data that is a millisecond or more old when another process changed it.
  #refreshed<T>(read: () => T): T {
    this.#verifyOpen();
    if (!this.#isWriting) this.#file.root.resetReadTxn();
    return read();
  }

  // Outside a transaction, LMDB would write immediately, without the checks that protect the commits of other processes.
  #within(change: () => unknown): void {
    if (!this.#isWriting) throw new Error('A table can only be changed inside write() of its database.');
    change();
  }

  #verifyOpen(): void {
    if (this.#isClosed) throw new StoreClosed();
  }
}

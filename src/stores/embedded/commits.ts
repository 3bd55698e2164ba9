import { closeSync, openSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hasCode } from '../../errors.ts';
import { metaBytes, toMeta } from './meta.ts';

/** The offset in the lock file of the number of the newest commit. */
const numberAt = 8;
const pauseMs = 5;
const attempts = 10;

/**
 * The number of a store's newest commit. The data file has the correct number. All processes share a copy in the lock file, and
 * each write uses the copy to find the state that it builds on.
 *
 * A process that opens the store reads the number from the data file and then writes it to the copy (mdb_env_open2 in mdb.c of
 * lmdb 3.5.6). If another process commits in between, the copy is too old, and the next write overwrites that commit.
 */
export class Commits {
  readonly #directory: string;
  #data: number | undefined;
  #lock: number | undefined;
  /** A buffer for the two meta pages. One of them has the newest number. */
  #head = Buffer.alloc(4096 + metaBytes);

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Waits for running commits: until there is no new commit for a few milliseconds. */
  async settle(): Promise<void> {
    let before = this.#newest();
    for (let attempt = 0; before !== undefined && attempt < attempts; attempt += 1) {
      await wait(pauseMs);
      const now = this.#newest();
      if (now === before) return;
      before = now;
    }
  }

  /** Opens LMDB. If another process committed meanwhile, this corrects the copy. */
  keep<T>(open: () => T): T {
    const before = this.#newest();
    const opened = open();
    const after = this.#newest();
    if (before !== undefined && after !== undefined && after !== before) this.#correct(after);
    return opened;
  }

  /**
   * Call this inside a write transaction, while no other process can commit.
   * @param transaction the number of the write's own commit
   * @returns false when the write builds on an old state. Then it must not change anything. The next write will be correct.
   */
  isNext(transaction: number): boolean {
    const newest = this.#newest();
    if (newest === undefined || newest + 1 === transaction) return true;
    this.#correct(newest);
    return false;
  }

  /** Call this after LMDB has closed the store: closing a file releases all locks that the process holds on it. */
  close(): void {
    for (const file of [this.#data, this.#lock]) if (file !== undefined) closeSync(file);
    this.#data = undefined;
    this.#lock = undefined;
  }

  /** Undefined if the store does not exist yet. */
  #newest(): number | undefined {
    this.#data ??= openIfThere(join(this.#directory, 'data.mdb'));
    if (this.#data === undefined) return undefined;
    const length = readSync(this.#data, this.#head, 0, this.#head.length, 0);
    const first = toMeta(this.#head.subarray(0, length));
    if (!first) return undefined;
    const secondAt = first.pageSize;
    if (this.#head.length < secondAt + metaBytes) {
      this.#head = Buffer.alloc(secondAt + metaBytes);
      return this.#newest();
    }
    return Math.max(Number(first.transaction), Number(toMeta(this.#head.subarray(secondAt, length))?.transaction ?? 0));
  }

  #currentDirectory(): string {
    const path = this.#data === undefined ? undefined : pathOf(this.#data);
    return path === undefined ? this.#directory : dirname(path);
  }

  #correct(newest: number): void {
    this.#lock ??= openSync(join(this.#currentDirectory(), 'lock.mdb'), 'r+');
    const number = Buffer.alloc(8);
    number.writeBigUInt64LE(BigInt(newest));
    writeSync(this.#lock, number, 0, number.length, numberAt);
  }
}

/** The current path of an open file, even after its directory was moved. Only Linux supports this. */
function pathOf(file: number): string | undefined {
  return process.platform === 'linux' ? readlinkSync(`/proc/self/fd/${file}`) : undefined;
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

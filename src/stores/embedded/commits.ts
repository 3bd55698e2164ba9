import { closeSync, openSync, readlinkSync, readSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hasCode } from '../../errors.ts';
import { metaBytes, toMeta } from './meta.ts';

/** Where the lock file has the number of the newest commit. */
const numberAt = 8;
const pauseMs = 5;
const attempts = 10;

/**
 * The number of a store's newest commit: the true one is in the data file, and all processes share a copy of it in the
 * lock file, by which each write finds the state that it builds on.
 *
 * Each process that opens the store sets the copy to what it has read in the data file a moment before (mdb_env_open2 in
 * mdb.c of lmdb 3.5.6). If another process commits in between, the copy goes back, and the next write undoes that commit.
 */
export class Commits {
  readonly #directory: string;
  #data: number | undefined;
  #lock: number | undefined;
  /** The two pages of which one has the number. */
  #head = Buffer.alloc(4096 + metaBytes);

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Waits for a commit that is under way: until there is no new one for a moment. */
  async settle(): Promise<void> {
    let before = this.#newest();
    for (let attempt = 0; before !== undefined && attempt < attempts; attempt += 1) {
      await wait(pauseMs);
      const now = this.#newest();
      if (now === before) return;
      before = now;
    }
  }

  /** Opens LMDB; when there was a commit meanwhile, the copy is corrected. */
  keep<T>(open: () => T): T {
    const before = this.#newest();
    const opened = open();
    const after = this.#newest();
    if (before !== undefined && after !== undefined && after !== before) this.#correct(after);
    return opened;
  }

  /**
   * To be asked within a write, in which nobody else commits.
   * @param transaction the number that the write's commit will have
   * @returns false when the write builds on an old state. Then it must change nothing; the next write will be right.
   */
  isNext(transaction: number): boolean {
    const newest = this.#newest();
    if (newest === undefined || newest + 1 === transaction) return true;
    this.#correct(newest);
    return false;
  }

  /** After LMDB's own file is closed: to close the lock file ends all locks that the process has in it. */
  close(): void {
    for (const file of [this.#data, this.#lock]) if (file !== undefined) closeSync(file);
    this.#data = undefined;
    this.#lock = undefined;
  }

  /** Undefined before there is a store. */
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

/** On Linux also after the directory was moved. */
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

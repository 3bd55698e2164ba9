import { existsSync } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hasCode, orUndefined } from '../../errors.ts';

/** Nobody opens or closes a store for this long: the process was killed, or is stopped. */
const staleMs = 1000;
const pollMs = 2;

/**
 * Lets one process at a time open or close a store. Meanwhile no other process begins a commit.
 *
 * LMDB closes its lock file's mutexes when the last process closes the store. A process that opens the store at that
 * moment finds them unusable, and so does each process that comes until all have closed it.
 */
export class OpenCloseLock {
  readonly #path: string;
  #isOurs = false;
  #freed: Promise<void> | undefined;

  constructor(directory: string) {
    this.#path = join(directory, 'opening');
  }

  async run<T>(work: () => T | Promise<T>): Promise<T> {
    await this.#take();
    this.#isOurs = true;
    try {
      return await work();
    } finally {
      this.#isOurs = false;
      await rm(this.#path, { force: true });
    }
  }

  /** True while another process opens or closes the store. */
  isTaken(): boolean {
    return !this.#isOurs && existsSync(this.#path);
  }

  /** Until no other process opens or closes the store. */
  untilFree(): Promise<void> {
    this.#freed ??= this.#waitUntilFree().finally(() => {
      this.#freed = undefined;
    });
    return this.#freed;
  }

  async #take(): Promise<void> {
    for (;;) {
      try {
        const file = await open(this.#path, 'wx', 0o600);
        return await file.close();
      } catch (error) {
        // The directory was moved or removed while the store was open.
        if (hasCode(error, 'ENOENT')) return;
        if (!hasCode(error, 'EEXIST')) throw error;
      }
      await this.untilFree();
    }
  }

  async #waitUntilFree(): Promise<void> {
    for (;;) {
      const found = await orUndefined(stat(this.#path), 'ENOENT');
      if (!found) return;
      if (Date.now() - found.mtimeMs > staleMs) await rm(this.#path, { force: true });
      else await wait(pollMs);
    }
  }
}

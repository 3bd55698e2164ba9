import type { RootDatabase } from 'lmdb';
import type { Alone } from './alone.ts';
import type { Commits } from './commits.ts';
import { endingWithProcess } from './exit.ts';

/** A write that changed nothing, and is to be tried again. */
class NotNow extends Error {}

/** Runs writes, each in a transaction that builds on the newest commit of all processes. */
export class Writes {
  readonly #root: RootDatabase;
  readonly #alone: Alone;
  readonly #commits: Commits;

  constructor(root: RootDatabase, alone: Alone, commits: Commits) {
    this.#root = root;
    this.#alone = alone;
    this.#commits = commits;
  }

  /** Resolves once it is on the disk. */
  async run<T>(work: () => T): Promise<T> {
    const verifiedWork = (): T => {
      this.#verify();
      return work();
    };
    for (;;) {
      try {
        return await endingWithProcess(() => this.#root.transaction(verifiedWork));
      } catch (error) {
        if (!(error instanceof NotNow)) throw await reasonOf(error);
        await this.#alone.untilFree();
      }
    }
  }

  // In the transaction.
  #verify(): void {
    if (this.#alone.isTaken() || !this.#commits.isNext(this.#root.getWriteTxnId())) throw new NotNow();
  }
}

// A commit that failed, such as for a full disk, says why in a promise of its own.
async function reasonOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<never> };
  if (!commitError) return error;
  return commitError.catch((cause) => new Error(`nothing was written: ${(cause as Error).message}`, { cause }));
}

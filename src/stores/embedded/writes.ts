import type { RootDatabase } from 'lmdb';
import type { Commits } from './commits.ts';
import { killingOnExit } from './exit.ts';
import type { OpenCloseLock } from './open-close-lock.ts';

/** A write that changed nothing, and is to be tried again. */
class TryAgain extends Error {}

/** Runs writes, each in a transaction that builds on the newest commit of all processes. */
export class Writes {
  readonly #root: RootDatabase;
  readonly #openCloseLock: OpenCloseLock;
  readonly #commits: Commits;

  constructor(root: RootDatabase, openCloseLock: OpenCloseLock, commits: Commits) {
    this.#root = root;
    this.#openCloseLock = openCloseLock;
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
        return await killingOnExit(() => this.#root.transaction(verifiedWork));
      } catch (error) {
        if (!(error instanceof TryAgain)) throw await reasonOf(error);
        await this.#openCloseLock.untilFree();
      }
    }
  }

  // In the transaction.
  #verify(): void {
    if (this.#openCloseLock.isTaken() || !this.#commits.isNext(this.#root.getWriteTxnId())) throw new TryAgain();
  }
}

// A commit that failed, such as for a full disk, says why in a promise of its own.
async function reasonOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<never> };
  if (!commitError) return error;
  return commitError.catch((cause) => new Error(`nothing was written: ${(cause as Error).message}`, { cause }));
}

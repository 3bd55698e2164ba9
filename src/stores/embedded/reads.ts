import type { StoredRecord } from '../driver.ts';

type ReadResult = StoredRecord | undefined;

interface Waiting {
  key: string;
  resolve: (found: ReadResult) => void;
  reject: (error: unknown) => void;
}

/**
 * Reads together what is asked in one turn of the event loop: one transaction is enough for all of it, and their answers
 * leave one after the other, which costs the system less than when other work comes between them.
 */
export class GroupedReads {
  readonly #refresh: () => void;
  readonly #read: (key: string) => ReadResult;
  #waiting: Waiting[] = [];

  /** @param refresh runs once before the reads of a turn */
  constructor(refresh: () => void, read: (key: string) => ReadResult) {
    this.#refresh = refresh;
    this.#read = read;
  }

  read(key: string): Promise<ReadResult> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.flush());
      this.#waiting.push({ key, resolve, reject });
    });
  }

  /** Reads at once what waits. */
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    let isFresh = false;
    for (const { key, resolve, reject } of waiting) {
      try {
        if (!isFresh) this.#refresh();
        isFresh = true;
        resolve(this.#read(key));
      } catch (error) {
        reject(error);
      }
    }
  }
}

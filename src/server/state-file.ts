import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';

/** A file in `data/` with the state of a server that `sessapp serve` started, for other commands. */
export class StateFile<T extends object> {
  /** Relative to the environment, which is the working directory: it can be moved while the server runs. */
  readonly #path: string;
  readonly #isRead: boolean;
  readonly #log: Logger;
  #isFailing = false;
  #last = Promise.resolve();

  constructor(name: string, directory: string, log: Logger) {
    this.#path = join('data', name);
    this.#isRead = process.send !== undefined && process.cwd() === directory;
    this.#log = log;
  }

  write(state: T): Promise<void> {
    const text = `${JSON.stringify({ pid: process.pid, ...state })}\n`;
    return this.#enqueue(async () => {
      await writeFile(`${this.#path}.new`, text, { mode: 0o600 });
      await rename(`${this.#path}.new`, this.#path);
    });
  }

  remove(): Promise<void> {
    return this.#enqueue(() => rm(this.#path, { force: true }));
  }

  #enqueue(change: () => Promise<void>): Promise<void> {
    if (!this.#isRead) return this.#last;
    const settle = (error?: unknown): void => {
      // The file is written often, so log only the first failure.
      if (error && !this.#isFailing) this.#log.warn({ err: error }, `${this.#path} could not be written`);
      this.#isFailing = error !== undefined;
    };
    this.#last = this.#last.then(change).then(() => settle(), settle);
    return this.#last;
  }
}

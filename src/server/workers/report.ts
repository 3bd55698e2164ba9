import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Failure } from '../messages.ts';

/** Relative to the environment, in which `sessapp serve` starts the server: it may be moved meanwhile. */
const file = join('data', 'workers.json');

/** How the replacement of all workers went, and how many there have been. */
export interface Reloads {
  started: number;
  ended: number;
  /** Of the last one: how many workers it has replaced, and why not all. */
  replaced: number;
  failure?: Failure;
}

/** What `sessapp status` and `sessapp reload` read of the workers. */
export interface WorkersState {
  /** The process that starts and replaces them. */
  pid: number;
  /** How many workers there are to be, and how many answer. */
  workers: number;
  ready: number;
  reloads: Reloads;
}

/** Tells `sessapp status` and `sessapp reload` of the workers, if it was `sessapp serve` that started the server. */
export class WorkersReport {
  readonly #isRead: boolean;
  readonly #log: Logger;
  #last = Promise.resolve();

  constructor(directory: string, log: Logger) {
    this.#isRead = process.send !== undefined && process.cwd() === directory;
    this.#log = log;
  }

  write(state: Omit<WorkersState, 'pid'>): Promise<void> {
    const text = `${JSON.stringify({ pid: process.pid, ...state })}\n`;
    return this.#enqueue(async () => {
      await writeFile(`${file}.new`, text, { mode: 0o600 });
      await rename(`${file}.new`, file);
    });
  }

  remove(): Promise<void> {
    return this.#enqueue(() => rm(file, { force: true }));
  }

  #enqueue(change: () => Promise<void>): Promise<void> {
    if (!this.#isRead) return this.#last;
    this.#last = this.#last.then(change).catch((error: unknown) => {
      this.#log.warn({ err: error }, 'what the workers do could not be written down for sessapp status and reload');
    });
    return this.#last;
  }
}

import { open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { hasCode, orUndefined } from '../errors.ts';

/** How long to wait before a failed change is tried again. */
const retryMs = 1000;
/** The size of a file is a multiple of this, so that it has room for a longer state. */
const blockBytes = 1024;

/** A file in `data/` with the state of a server that `sessapp serve` started, for other commands. */
export class StateFile<T extends object> {
  /** Relative to the environment, which is the working directory: it can be moved while the server runs. */
  readonly #path: string;
  readonly #isRead: boolean;
  readonly #log: Logger;
  #isFailing = false;
  #last = Promise.resolve();
  /** The newest change, which a retry repeats. */
  #change = async (): Promise<void> => undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(name: string, directory: string, log: Logger) {
    this.#path = join('data', name);
    this.#isRead = process.send !== undefined && process.cwd() === directory;
    this.#log = log;
  }

  /** If the file cannot be written now, it is written as soon as it can be. */
  write(state: T): Promise<void> {
    const bytes = toBlocks(`${JSON.stringify({ pid: process.pid, ...state })}\n`);
    return this.#enqueue(() => replace(this.#path, bytes));
  }

  remove(): Promise<void> {
    return this.#enqueue(() => rm(this.#path, { force: true }));
  }

  #enqueue(change: () => Promise<void>): Promise<void> {
    if (!this.#isRead) return this.#last;
    this.#change = change;
    this.#last = this.#last.then(change).then(
      () => this.#settle(),
      (error) => this.#settle(error),
    );
    return this.#last;
  }

  #settle(error?: unknown): void {
    // The file is written often, so log only the first failure.
    if (error && !this.#isFailing) this.#log.warn({ err: error }, `${this.#path} could not be written`);
    this.#isFailing = error !== undefined;
    clearTimeout(this.#retry);
    if (error) this.#retry = setTimeout(() => void this.#enqueue(this.#change), retryMs).unref();
  }
}

/** Fills the last block with spaces, which JSON allows. */
function toBlocks(text: string): Buffer {
  const length = Buffer.byteLength(text);
  return Buffer.concat([Buffer.from(text)], Math.ceil(length / blockBytes) * blockBytes).fill(' ', length);
}

async function replace(path: string, bytes: Buffer): Promise<void> {
  const draft = `${path}.new`;
  try {
    await writeFile(draft, bytes, { mode: 0o600 });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    if (!hasCode(error, 'ENOSPC', 'EDQUOT') || !(await overwrite(path, bytes))) throw error;
  }
}

/**
 * Writes into the space that the file has already: on a full disk, most file systems have no other space.
 * @returns false when the file is missing, or has another size
 */
async function overwrite(path: string, bytes: Buffer): Promise<boolean> {
  const file = await orUndefined(open(path, 'r+'), 'ENOENT');
  if (!file) return false;
  try {
    if ((await file.stat()).size !== bytes.length) return false;
    return (await file.write(bytes, 0, bytes.length, 0)).bytesWritten === bytes.length;
  } finally {
    await file.close();
  }
}

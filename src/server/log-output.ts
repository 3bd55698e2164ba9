import { isSystemError } from '../errors.ts';

const warning = 40;
/** How much output may wait for the reader of a pipe. */
const backlogBytes = 1_000_000;

/**
 * Keeps the process running when its output cannot be written: the reader of a pipe has exited, the terminal was closed, or the
 * disk of a log file is full. Not only we write: LMDB prints each failed write to stderr, and the application prints too.
 */
export function surviveLostOutput(): void {
  process.stdout.on('error', ignoreLostOutput);
  process.stderr.on('error', ignoreLostOutput);
}

/** Writes lines to stdout. If they cannot be written, the server continues, and its memory does not grow. */
export class LogOutput {
  readonly #reportLost: (lines: number) => void;
  #waiting: string[] = [];
  #lost = 0;

  /** @param reportLost called when lines can be written again after some were dropped */
  constructor(reportLost: (lines: number) => void) {
    this.#reportLost = reportLost;
    process.on('exit', () => this.#flush());
  }

  // Lines of one turn of the event loop are written together, to save system calls. Warnings and errors are written at
  // once, because the process may be about to exit.
  print(line: string, level: number): void {
    if (this.#waiting.length === 0) setImmediate(() => this.#flush());
    this.#waiting.push(line);
    if (level >= warning) this.#flush();
  }

  #flush(): void {
    const lines = this.#waiting;
    this.#waiting = [];
    if (lines.length === 0) return;
    if (process.stdout.writableLength > backlogBytes) {
      this.#lost += lines.length;
      return;
    }
    process.stdout.write(lines.join(''), (error) => {
      if (error) this.#lost += lines.length;
      else if (!process.stdout.writableNeedDrain) this.#onWritable();
    });
  }

  #onWritable(): void {
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0) this.#reportLost(lost);
  }
}

function ignoreLostOutput(error: unknown): void {
  if (!isSystemError(error)) throw error;
}

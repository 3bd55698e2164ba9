const warning = 40;
/** How much output may wait for the reader of a pipe. */
const backlogBytes = 1_000_000;

/** Writes lines to stdout. If nothing reads them, the server continues, and its memory does not grow. */
export class LogOutput {
  readonly #reportLost: (lines: number) => void;
  #waiting: string[] = [];
  #lost = 0;

  /** @param reportLost called when lines can be written again after some were dropped */
  constructor(reportLost: (lines: number) => void) {
    this.#reportLost = reportLost;
    process.stdout.on('error', ignoreLostLog);
    process.stdout.on('drain', () => this.#onDrain());
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
    try {
      process.stdout.write(lines.join(''));
    } catch (error) {
      ignoreLostLog(error);
    }
  }

  #onDrain(): void {
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0) this.#reportLost(lost);
  }
}

// The reader of the pipe has exited, the terminal was closed, or the disk is full.
function ignoreLostLog(error: unknown): void {
  if (!['EPIPE', 'EIO', 'ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
}

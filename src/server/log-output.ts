const warning = 40;
/** As much may wait for the reader of a pipe. */
const backlogBytes = 1_000_000;

/** Writes lines to stdout. A log that nobody can take any more does not end the server, and does not fill its memory. */
export class LogOutput {
  readonly #reportLost: (lines: number) => void;
  #waiting: string[] = [];
  #lost = 0;

  /** @param reportLost is called when lines can be written again after some were dropped */
  constructor(reportLost: (lines: number) => void) {
    this.#reportLost = reportLost;
    process.stdout.on('error', ignoreLostLog);
    process.stdout.on('drain', () => this.#onDrain());
    process.on('exit', () => this.#flush());
  }

  // What is logged in one turn of the event loop is written together, which spares a system call for each line. What went
  // wrong is written at once, as the process may be about to end.
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

// The reader of a pipe went away, the terminal was closed, or the disk is full.
function ignoreLostLog(error: unknown): void {
  if (!['EPIPE', 'EIO', 'ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
}

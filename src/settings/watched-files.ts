import { statSync } from 'node:fs';

const intervalMs = 400;

interface Options {
  /** Applies what the files say now; it may reject. It is called again until it resolves. */
  apply(): Promise<void>;
  /** Is told why `apply` rejected: once, as long as the reason stays the same. */
  report(reason: unknown): void;
  /** What was read longer ago than this is out of date. */
  staleMs: number;
  /** The fingerprint of the files at a time before they were read, if they were read already. */
  known?: string;
}

/** Follows what some files say while they change: looks several times a second, and on demand after a standstill. */
export class WatchedFiles {
  readonly #paths: string[];
  readonly #options: Options;
  /** Of what `apply` has applied. */
  #known: string | undefined;
  #reported: string | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #applying: Promise<void> | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(paths: string[], options: Options) {
    this.#paths = paths;
    this.#options = options;
    this.#known = options.known;
    this.#timer = setInterval(() => void this.#look(), intervalMs).unref();
  }

  /**
   * Looks at the files if nobody has looked for too long: this process stood still, and others may have followed a change.
   * @returns undefined when nothing is to be waited for
   */
  refresh(): Promise<void> | undefined {
    if (!this.#isStale) return undefined;
    // That one may have begun before the standstill.
    return this.#applying?.then(() => (this.#isStale ? this.#look() : undefined)) ?? this.#look();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  get #isStale(): boolean {
    return performance.now() - this.#lookedMs > this.#options.staleMs;
  }

  #look(): Promise<void> | undefined {
    if (this.#applying !== undefined) return this.#applying;
    const startMs = performance.now();
    const found = fingerprint(this.#paths);
    if (found === this.#known) {
      this.#lookedMs = startMs;
      return undefined;
    }
    this.#applying = this.#apply(found).finally(() => {
      this.#lookedMs = startMs;
      this.#applying = undefined;
    });
    return this.#applying;
  }

  async #apply(found: string): Promise<void> {
    try {
      await this.#options.apply();
      this.#known = found;
      this.#reported = undefined;
    } catch (error) {
      if (this.#reported !== String(error)) this.#options.report(error);
      this.#reported = String(error);
    }
  }
}

/**
 * Changes whenever one of the files does: replaced, written in place, or given other rights. It is synchronous because
 * it takes microseconds, and must not wait for Node.js's threads, which an application may keep busy.
 */
export function fingerprint(paths: string[]): string {
  return paths.map(describe).join(' ');
}

function describe(path: string): string {
  try {
    const { ino, size, ctimeMs } = statSync(path);
    return [ino, size, ctimeMs].join();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

import { statSync } from 'node:fs';

const intervalMs = 400;

interface Options {
  /** Applies the current content of the files. If it rejects, it is called again. */
  apply(): Promise<void>;
  /** Called with the reason when `apply` rejects, but not again while the reason stays the same. */
  report(reason: unknown): void;
  /** Content that was read longer ago than this is stale. */
  staleMs: number;
  /** The fingerprint from before the caller read the files, if it has read them already. */
  known?: string;
}

/** Watches files: it checks them several times a second, and on demand when the last check is stale. */
export class WatchedFiles {
  readonly #paths: string[];
  readonly #options: Options;
  /** The fingerprint of the content that `apply` has applied. */
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
   * Checks the files if the last check is stale: this process was paused, and others may have applied a change meanwhile.
   * @returns undefined when there is nothing to wait for
   */
  refresh(): Promise<void> | undefined {
    if (!this.#isStale) return undefined;
    // The running check may have begun before the pause.
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
 * A text that changes whenever a file is replaced, written or given other permissions. It is synchronous because it takes only
 * microseconds and must not wait for Node.js's thread pool, which the application may keep busy.
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

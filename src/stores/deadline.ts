import { Bag } from './bag.ts';
import type { Driver } from './driver.ts';
import { CannotList, StoreUnavailable } from './errors.ts';
import { wrap } from './wrap.ts';

/** Wraps a driver: a call that fails or takes too long rejects with StoreUnavailable. CannotList stays as it is. */
export function withDeadline(driver: Driver, deadlineMs: number): Driver {
  const deadline = new Deadline(deadlineMs);
  return wrap((call) => deadline.limit(call(driver)));
}

interface Call {
  startedMs: number;
  fail: () => void;
}

/** Rejects calls that take too long. One timer serves all calls: one timer for each call took 2% of the time of a read. */
class Deadline {
  readonly #deadlineMs: number;
  readonly #calls = new Bag<Call>();
  #timer: NodeJS.Timeout | undefined;

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
  }

  limit<T>(result: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (): void => {
        forget();
        reject(new StoreUnavailable(`the store did not respond within ${this.#deadlineMs} ms`));
      };
      const forget = this.#calls.add({ startedMs: performance.now(), fail });
      this.#timer ??= this.#checkIn(this.#deadlineMs);
      result.then(
        (value) => {
          forget();
          resolve(value);
        },
        (error) => {
          forget();
          reject(toUnavailable(error));
        },
      );
    });
  }

  #check(): void {
    const nowMs = performance.now();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { startedMs, fail } of this.#calls.list()) {
      const leftMs = startedMs + this.#deadlineMs - nowMs;
      if (leftMs > 0) nextMs = Math.min(nextMs, leftMs);
      // If the event loop was blocked, replies may have arrived that are not read yet: read them before the call fails.
      else setImmediate(fail);
    }
    this.#timer = nextMs < Number.POSITIVE_INFINITY ? this.#checkIn(Math.ceil(nextMs)) : undefined;
  }

  // A waiting request keeps the process running through its connection, so this timer need not.
  #checkIn(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#check(), delayMs).unref();
  }
}

// A missing ability of the store is not an outage.
function toUnavailable(error: unknown): StoreUnavailable | CannotList {
  if (error instanceof CannotList) return error;
  return error instanceof StoreUnavailable ? error : new StoreUnavailable('the store failed', { cause: error });
}

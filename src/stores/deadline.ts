import { Bag } from './bag.ts';
import type { Driver } from './driver.ts';
import { CannotList, StoreUnavailable } from './errors.ts';
import { wrap } from './wrap.ts';

/** The driver, with every failure a StoreUnavailable, unless it cannot list at all; so is a call that takes longer than the deadline. */
export function withDeadline(driver: Driver, deadlineMs: number): Driver {
  const deadline = new Deadline(deadlineMs);
  return wrap((call) => deadline.limit(call(driver)));
}

interface Call {
  startedMs: number;
  fail: () => void;
}

/** Gives up on calls that take too long. One timer looks after all of them: with one for each, timers took 2% of a read. */
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
        reject(new StoreUnavailable(`the store did not answer within ${this.#deadlineMs} ms`));
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
      // After the event loop was blocked, answers that have arrived are still to be read: this turn, behind its timers.
      else setImmediate(fail);
    }
    this.#timer = nextMs < Number.POSITIVE_INFINITY ? this.#checkIn(Math.ceil(nextMs)) : undefined;
  }

  // A request that waits has a connection, which keeps the process; this timer, which outlasts the calls, need not.
  #checkIn(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#check(), delayMs).unref();
  }
}

// What a store can never do is not an outage.
function toUnavailable(error: unknown): StoreUnavailable | CannotList {
  if (error instanceof CannotList) return error;
  return error instanceof StoreUnavailable ? error : new StoreUnavailable('the store failed', { cause: error });
}

import { Bag } from './bag.ts';
import type { Driver } from './driver.ts';
import { StoreUnavailable } from './errors.ts';

/** What the sessions of requests need of a driver. */
export type RecordStore = Pick<Driver, 'read' | 'create' | 'update' | 'touch' | 'delete' | 'setAside'>;

/** The driver, with every failure a StoreUnavailable; so is an answer that takes longer than the deadline. */
export function withDeadline(driver: Driver, deadlineMs: number): RecordStore {
  const deadline = new Deadline(deadlineMs);
  return {
    read: (key) => deadline.limit(driver.read(key)),
    create: (key, record) => deadline.limit(driver.create(key, record)),
    update: (key, version, record) => deadline.limit(driver.update(key, version, record)),
    touch: (key, version, seenAtMs, expiresAtMs) => deadline.limit(driver.touch(key, version, seenAtMs, expiresAtMs)),
    delete: (key) => deadline.limit(driver.delete(key)),
    setAside: (key) => deadline.limit(driver.setAside(key)),
  };
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

  limit<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (): void => {
        forget();
        reject(new StoreUnavailable(`the store did not answer within ${this.#deadlineMs} ms`));
      };
      const forget = this.#calls.add({ startedMs: performance.now(), fail });
      this.#timer ??= this.#checkIn(this.#deadlineMs);
      answer.then(
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

function toUnavailable(error: unknown): StoreUnavailable {
  return error instanceof StoreUnavailable ? error : new StoreUnavailable('the store failed', { cause: error });
}

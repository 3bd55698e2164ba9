import { StoreUnavailable } from '../../stores/errors.ts';

interface FailedCall {
  error: unknown;
  isHeard: () => boolean;
}

/** The calls to the store that a request's handler started, which its answer must wait for. */
class Operations {
  readonly #running = new Set<Promise<unknown>>();
  readonly #failures: FailedCall[] = [];

  add(call: Promise<unknown>, isHeard: () => boolean): void {
    const ended: Promise<unknown> = call
      .catch((error) => void this.#failures.push({ error, isHeard }))
      .finally(() => this.#running.delete(ended));
    this.#running.add(ended);
  }

  settle(): Promise<void> | undefined {
    if (this.#running.size > 0) return Promise.all(this.#running).then(() => this.settle());
    // What the handler itself did wrong is its own matter, when it was told.
    const failure = this.#failures.find(({ error, isHeard }) => error instanceof StoreUnavailable || !isHeard());
    return failure && Promise.reject(failure.error);
  }
}

const operations = Symbol('operations');

interface Operating {
  [operations]?: Operations;
}

/**
 * Notes a call to the store that the answer to this request waits for.
 * @param isHeard whether somebody else than the answer tells that it failed
 */
export function addOperation(req: object & Operating, call: Promise<unknown>, isHeard = (): boolean => true): void {
  req[operations] ??= new Operations();
  req[operations].add(call, isHeard);
}

/** Undefined when there is nothing to wait for. Rejects when the store failed in one of the calls, or nobody hears of a failure. */
export function settleOperations(req: object & Operating): Promise<void> | undefined {
  return req[operations]?.settle();
}

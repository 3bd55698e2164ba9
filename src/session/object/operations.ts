import { StoreUnavailable } from '../../stores/errors.ts';

interface FailedCall {
  error: unknown;
  isHandled: () => boolean;
}

/** The calls to the store that a request's handler started, which its answer must wait for. */
class Operations {
  readonly #running = new Set<Promise<unknown>>();
  readonly #failures: FailedCall[] = [];

  add(call: Promise<unknown>, isHandled: () => boolean): void {
    const settled: Promise<unknown> = call
      .catch((error) => void this.#failures.push({ error, isHandled }))
      .finally(() => this.#running.delete(settled));
    this.#running.add(settled);
  }

  settle(): Promise<void> | undefined {
    if (this.#running.size > 0) return Promise.all(this.#running).then(() => this.settle());
    // What the handler itself did wrong is its own matter, when it was told.
    const failure = this.#failures.find(({ error, isHandled }) => error instanceof StoreUnavailable || !isHandled());
    return failure && Promise.reject(failure.error);
  }
}

const operations = Symbol('operations');

interface Operating {
  [operations]?: Operations;
}

/**
 * Notes a call to the store that the answer to this request waits for.
 * @param isHandled whether somebody else than the answer tells that it failed
 */
export function addOperation(req: object & Operating, call: Promise<unknown>, isHandled = (): boolean => true): void {
  req[operations] ??= new Operations();
  req[operations].add(call, isHandled);
}

/** Undefined when there is nothing to wait for. Rejects when the store failed in one of the calls, or nobody hears of a failure. */
export function settleOperations(req: object & Operating): Promise<void> | undefined {
  return req[operations]?.settle();
}

import { StoreUnavailable } from '../../stores/errors.ts';

interface FailedCall {
  error: unknown;
  isHandled: () => boolean;
}

/** The store calls that a request's handler started. The response must wait for them. */
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
    // A failure of the store always fails the response. Another error fails it only if the handler did not receive that error.
    const failure = this.#failures.find(({ error, isHandled }) => error instanceof StoreUnavailable || !isHandled());
    return failure && Promise.reject(failure.error);
  }
}

const operations = Symbol('operations');

interface Operating {
  [operations]?: Operations;
}

/**
 * Adds a store call that the response to this request must wait for.
 * @param isHandled whether the application receives the failure itself
 */
export function addOperation(req: object & Operating, call: Promise<unknown>, isHandled = (): boolean => true): void {
  req[operations] ??= new Operations();
  req[operations].add(call, isHandled);
}

/** Undefined: there is nothing to wait for. Rejects when the store failed, or with an error that the handler did not receive. */
export function settleOperations(req: object & Operating): Promise<void> | undefined {
  return req[operations]?.settle();
}

import { StoreUnavailable } from './session-error.ts';

/** The calls to the store that a request's handler started, which its answer must wait for. */
class Operations {
  readonly #running = new Set<Promise<void>>();
  #failure: StoreUnavailable | undefined;

  add(call: Promise<void>): void {
    const ended = call.catch((error) => this.#remember(error)).finally(() => this.#running.delete(ended));
    this.#running.add(ended);
  }

  settle(): Promise<void> | undefined {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#running.size === 0) return undefined;
    return Promise.all(this.#running).then(() => this.settle());
  }

  // What the handler itself did wrong was told to its callback.
  #remember(error: unknown): void {
    if (error instanceof StoreUnavailable) this.#failure ??= error;
  }
}

const operations = Symbol('operations');

interface Operating {
  [operations]?: Operations;
}

/** Notes a call to the store that the answer to this request waits for. */
export function addOperation(req: object & Operating, call: Promise<void>): void {
  req[operations] ??= new Operations();
  req[operations].add(call);
}

/** Undefined when there is nothing to wait for. Rejects when the store failed in one of the calls. */
export function settleOperations(req: object & Operating): Promise<void> | undefined {
  return req[operations]?.settle();
}

import { StoreUnavailable } from './session-error.ts';

/** The calls to the store that a request's handler started, which its answer must wait for. */
export class Operations {
  readonly #running = new Set<Promise<void>>();
  #failure: StoreUnavailable | undefined;

  add(call: Promise<void>): void {
    const ended = call.catch((error) => this.#remember(error)).finally(() => this.#running.delete(ended));
    this.#running.add(ended);
  }

  /** Undefined when there is nothing to wait for. Rejects when the store failed in one of the calls. */
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

const operations = new WeakMap<object, Operations>();

export function operationsOf(req: object): Operations {
  const known = operations.get(req) ?? new Operations();
  operations.set(req, known);
  return known;
}

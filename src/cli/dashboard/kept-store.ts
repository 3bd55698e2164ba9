import { requireMarker } from '../../settings/marker.ts';
import type { System } from '../../system.ts';
import { hasNoStore } from '../admin/no-store.ts';
import { type OpenStore, openStore, type Store, withRemedy } from '../admin/store.ts';
import type { Environment } from '../environment/find.ts';

/** The store of an environment, kept open while the dashboard runs. */
export class KeptStore {
  readonly #system: System;
  readonly #directory: string;
  #opened: Promise<OpenStore> | undefined;

  constructor(system: System, { directory }: Environment) {
    this.#system = system;
    this.#directory = directory;
  }

  /**
   * Verifies that the store responds and that its files were not replaced, then does some work with it.
   * @throws UserError when the store cannot be used; the next call opens it again
   */
  async use<T>(work: (store: Store, pingMs: number) => Promise<T>): Promise<T> {
    const environment = { directory: this.#directory, marker: await requireMarker(this.#directory) };
    return withRemedy(this.#system, environment, async () => {
      const store = await this.#current(environment);
      const startMs = performance.now();
      await store.ping().catch((error: unknown) => this.#drop(error));
      return work(store, performance.now() - startMs);
    });
  }

  async #drop(error: unknown): Promise<never> {
    // Closing a store that failed may fail too.
    await this.close().catch(() => undefined);
    throw error;
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await (await opened?.catch(() => undefined))?.close();
  }

  async #current(environment: Environment): Promise<Store> {
    this.#opened ??= this.#open(environment);
    const { store, isMissing } = await this.#opened;
    if (!isMissing || (await hasNoStore(environment))) return store;
    await this.close();
    return this.#current(environment);
  }

  async #open(environment: Environment): Promise<OpenStore> {
    try {
      return await openStore(this.#system, environment);
    } catch (error) {
      this.#opened = undefined;
      throw error;
    }
  }
}

import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { requireMarker } from '../settings/marker.ts';
import { fingerprint, WatchedFiles } from '../settings/watched-files.ts';
import type { Driver } from '../stores/driver.ts';
import { OpenStores, type Stores } from './open-stores.ts';
import { readStores, type StoreVariables, storeFiles } from './read-stores.ts';
import { reportOverride, verifyNoOverride } from './store-url-override.ts';

export interface FollowLog {
  info(message: string): void;
  error(detail: object, message: string): void;
}

/** The environment whose files are watched, and the log. */
interface Followed {
  directory: string;
  environment: StoreVariables;
  log: FollowLog;
}

/**
 * After a longer pause, a process reads the files before it uses a store. `sessapp store migrate` waits more than twice as long
 * between its steps.
 */
const staleMs = 2000;

/** The store of an environment. It follows `sessapp store migrate` to another store without a restart. */
export class FollowedStore {
  readonly #followed: Followed;
  readonly #open: OpenStores;
  /** Undefined: the stores could not be opened. */
  #stores: Stores | undefined;
  #driver: Promise<Driver>;
  readonly #files: WatchedFiles;

  /** @throws UserError, StoreAddressError, or an error of the driver, when the store cannot be opened */
  static async open(directory: string, environment: StoreVariables, log: FollowLog): Promise<FollowedStore> {
    const known = fingerprint(storeFiles(directory));
    const stores = await readStores(directory, environment);
    verifyNoOverride(environment, stores);
    await reportOverride(directory, environment, stores);
    // The cookie name separates the sessions of environments that share a store.
    const { cookie: name } = await requireMarker(directory);
    const open = new OpenStores({ dataDirectory: join(directory, 'data'), name });
    return new FollowedStore({ directory, environment, log }, open, known, stores, await open.use(stores));
  }

  private constructor(followed: Followed, open: OpenStores, known: string, stores: Stores, driver: Driver) {
    this.#followed = followed;
    this.#open = open;
    this.#stores = stores;
    this.#driver = Promise.resolve(driver);
    this.#files = new WatchedFiles(storeFiles(followed.directory), {
      apply: () => this.#follow(),
      report: (error) => {
        const reason = (error as Error).message;
        followed.log.error({ reason }, 'sessapp.json or .env does not describe a usable store');
      },
      staleMs,
      known,
    });
  }

  /** The driver for the next call. Rejects while the store cannot be opened. */
  async current(): Promise<Driver> {
    await this.#files.refresh();
    return this.#driver;
  }

  async close(): Promise<void> {
    this.#files.close();
    await this.#open.close();
  }

  // Invalid files change nothing. If the files name a store that cannot be opened, calls fail: writes to the previous store would
  // be lost.
  async #follow(): Promise<void> {
    const { directory, environment } = this.#followed;
    const stores = await readStores(directory, environment);
    await reportOverride(directory, environment, stores);
    if (!isDeepStrictEqual(stores, this.#stores)) await this.#use(stores);
  }

  async #use(stores: Stores): Promise<void> {
    this.#stores = undefined;
    this.#driver = this.#open.use(stores);
    await this.#driver;
    this.#stores = stores;
    this.#followed.log.info(describe(stores));
  }
}

function describe({ store, next }: Stores): string {
  if (!next) return `sessions are now in the ${store} store`;
  return `sessions move from the ${store} store to the ${next.store} store (${next.phase})`;
}

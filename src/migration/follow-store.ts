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

/** Where to look, and whom to tell. */
interface Followed {
  directory: string;
  environment: StoreVariables;
  log: FollowLog;
}

/** A process that stood still for longer looks before it uses a store: `sessapp store migrate` waits more than twice as long. */
const staleMs = 2000;

/** The store of an environment, also while `sessapp store migrate` moves the sessions to another one, without a restart. */
export class FollowedStore {
  readonly #followed: Followed;
  readonly #open: OpenStores;
  /** Undefined: it could not be opened. */
  #stores: Stores | undefined;
  #driver: Promise<Driver>;
  readonly #files: WatchedFiles;

  /** @throws UserError, StoreAddressError, or what the driver throws, when the store cannot be opened */
  static async open(directory: string, environment: StoreVariables, log: FollowLog): Promise<FollowedStore> {
    const known = fingerprint(storeFiles(directory));
    const stores = await readStores(directory, environment);
    verifyNoOverride(environment, stores);
    await reportOverride(directory, environment, stores);
    // Environments that share a store share sessions only where they share a cookie.
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
        followed.log.error({ reason }, 'sessapp.json or .env names no store that can be used');
      },
      staleMs,
      known,
    });
  }

  /** The driver that a call is to use now; rejects while the store to use cannot be opened. */
  async current(): Promise<Driver> {
    await this.#files.refresh();
    return this.#driver;
  }

  async close(): Promise<void> {
    this.#files.close();
    await this.#open.close();
  }

  // Files that say nothing that could be used change nothing. A store that they name and that cannot be opened does: to go
  // on with the other one would be to lose what is written to it.
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
  if (!next) return `sessions are in the ${store} store from now on`;
  return `sessions move from the ${store} store to the ${next.store} store (${next.phase})`;
}

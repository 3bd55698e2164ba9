import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { requireMarker } from '../settings/marker.ts';
import type { Driver } from '../stores/driver.ts';
import { OpenStores, type Stores } from './open-stores.ts';
import { tellOwnStoreUrl, verifyFollows } from './own-store-url.ts';
import { fingerprintStores, readStores, type StoreVariables } from './read-stores.ts';

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

const intervalMs = 400;
/** A process that stood still for longer looks before it uses a store: `sessapp store migrate` waits more than twice as long. */
const freshMs = 2000;

/** The store of an environment, also while `sessapp store migrate` moves the sessions to another one, without a restart. */
export class FollowedStore {
  readonly #followed: Followed;
  readonly #open: OpenStores;
  /** Undefined: it could not be opened. */
  #stores: Stores | undefined;
  #driver: Promise<Driver>;
  /** The files that it follows, and those that it looked at last. */
  #known: string;
  #seen: string;
  #lookedMs = performance.now();
  #looking: Promise<void> | undefined;
  readonly #timer: NodeJS.Timeout;

  /** @throws UserError, StoreAddressError, or what the driver throws, when the store cannot be opened */
  static async open(directory: string, environment: StoreVariables, log: FollowLog): Promise<FollowedStore> {
    const known = await fingerprintStores(directory);
    const stores = await readStores(directory, environment);
    verifyFollows(environment, stores);
    await tellOwnStoreUrl(directory, environment, stores);
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
    this.#known = known;
    this.#seen = known;
    this.#timer = setInterval(() => void this.#look(), intervalMs).unref();
  }

  /** The driver that a call is to use now; rejects while the store to use cannot be opened. */
  async current(): Promise<Driver> {
    if (performance.now() - this.#lookedMs > freshMs) await this.#look();
    return this.#driver;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#open.close();
  }

  #look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    const startMs = performance.now();
    const found = await fingerprintStores(this.#followed.directory);
    if (found !== this.#known) await this.#follow(found);
    this.#lookedMs = startMs;
  }

  // Files that say nothing that could be used change nothing. A store that they name and that cannot be opened does: to go
  // on with the other one would be to lose what is written to it.
  async #follow(found: string): Promise<void> {
    const { directory, environment, log } = this.#followed;
    const isNews = found !== this.#seen;
    this.#seen = found;
    try {
      const stores = await readStores(directory, environment);
      await tellOwnStoreUrl(directory, environment, stores);
      if (!isDeepStrictEqual(stores, this.#stores)) await this.#use(stores);
      this.#known = found;
    } catch (error) {
      const reason = (error as Error).message;
      if (isNews) log.error({ reason }, 'sessapp.json or .env names no store that can be used');
    }
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

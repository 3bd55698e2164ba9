import { join } from 'node:path';
import type { Driver } from '../stores/driver.ts';
import { hasAddress, openAt, openEmbedded } from '../stores/open-driver.ts';
import { MigratingDriver, type Phase } from './migrating-driver.ts';

/** A store by its name, with its address if it has one. */
export interface StoreLocation {
  store: string;
  url?: string;
  /** The name of the variable with the address, for messages. By default `STORE_URL`. */
  variable?: string;
}

/** The store of an environment's sessions. */
export interface Stores extends StoreLocation {
  /** The store that the sessions move to. */
  next?: StoreLocation & { phase: Phase };
}

export interface OpenOptions {
  /** The environment's data directory as an absolute path. It need not exist. */
  dataDirectory: string;
  /** Separates the sessions of this environment from others in the same store. */
  name: string;
}

/**
 * Opens one store of an environment.
 * @throws StoreAddressError when its address is missing or not valid, TypeError when there is no such store
 */
export function openStore(
  { store, url, variable = 'STORE_URL' }: StoreLocation,
  { dataDirectory, name }: OpenOptions,
): Promise<Driver> {
  return store === 'embedded' ? openEmbedded(join(dataDirectory, 'sessions')) : openAt(store, url, name, variable);
}

/** How long running calls may still use a driver after it was replaced. */
const closeAfterMs = 10_000;

interface Opened {
  driver: Promise<Driver>;
  /** Closes the driver later, after it was replaced. */
  timer?: NodeJS.Timeout;
  closing?: Promise<void>;
}

/**
 * The open drivers of one environment. Each store is opened only once: two LMDB drivers for one file in a process would release
 * each other's locks.
 */
export class OpenStores {
  readonly #options: OpenOptions;
  readonly #opened = new Map<string, Opened>();

  constructor(options: OpenOptions) {
    this.#options = options;
  }

  /**
   * Returns the driver for these stores. Drivers of other stores are closed a little later.
   * @throws StoreAddressError when an address is missing or not valid
   */
  async use({ next, ...location }: Stores): Promise<Driver> {
    const locations = [location, ...(next ? [next] : [])].map(withUsedUrl);
    const [from, to] = await Promise.all(locations.map((each) => this.#open(each)));
    this.#closeOthers(locations.map(nameOf));
    return next && to ? new MigratingDriver(from as Driver, to, next.phase) : (from as Driver);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened].map(([name, opened]) => this.#close(name, opened)));
  }

  async #open(location: StoreLocation): Promise<Driver> {
    const name = nameOf(location);
    await this.#opened.get(name)?.closing;
    const opened: Opened = this.#opened.get(name) ?? { driver: openStore(location, this.#options) };
    clearTimeout(opened.timer);
    delete opened.timer;
    this.#opened.set(name, opened);
    try {
      return await opened.driver;
    } catch (error) {
      this.#opened.delete(name);
      throw error;
    }
  }

  #closeOthers(used: string[]): void {
    for (const [name, opened] of this.#opened) {
      if (used.includes(name) || opened.timer) continue;
      // Ignore a failed close: the driver is not used any more.
      const close = (): void => void this.#close(name, opened).catch(() => undefined);
      opened.timer = setTimeout(close, closeAfterMs).unref();
    }
  }

  #close(name: string, opened: Opened): Promise<void> {
    clearTimeout(opened.timer);
    opened.closing ??= opened.driver.then((driver) => driver.close()).finally(() => this.#opened.delete(name));
    return opened.closing;
  }
}

// STORE_URL may still be the address of another store.
function withUsedUrl({ url, ...location }: StoreLocation): StoreLocation {
  return url !== undefined && hasAddress(location.store) ? { ...location, url } : location;
}

function nameOf({ store, url = '' }: StoreLocation): string {
  return `${store} ${url}`;
}

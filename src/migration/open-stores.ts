import { join } from 'node:path';
import type { Driver } from '../stores/driver.ts';
import { hasAddress, openAt, openEmbedded } from '../stores/open-driver.ts';
import { MigratingDriver, type Phase } from './migrating-driver.ts';

/** One store, and where it is, for a store that has an address. */
export interface StoreLocation {
  store: string;
  url?: string;
}

/** Where the sessions of an environment are. */
export interface Stores extends StoreLocation {
  /** They move to another store. */
  next?: StoreLocation & { phase: Phase };
}

export interface OpenOptions {
  /** The environment's directory for data, absolute; it need not exist. */
  dataDirectory: string;
  /** Keeps the sessions of this environment apart from those of others in the same store. */
  name: string;
}

/**
 * Opens one store of an environment.
 * @throws StoreAddressError when it needs an address and has none that it can use, TypeError when there is no such store
 */
export function openStore({ store, url }: StoreLocation, { dataDirectory, name }: OpenOptions): Promise<Driver> {
  return store === 'embedded' ? openEmbedded(join(dataDirectory, 'sessions')) : openAt(store, url, name, 'STORE_URL');
}

/** How long calls that have begun may go on with a driver that others no longer use. */
const closeAfterMs = 10_000;

interface Opened {
  driver: Promise<Driver>;
  /** Until it is closed, when nothing uses it. */
  timer?: NodeJS.Timeout;
  closing?: Promise<void>;
}

/**
 * The drivers of one environment: each store is open once, however often it is asked for. Two in one process would take
 * each other's locks of an LMDB file away.
 */
export class OpenStores {
  readonly #options: OpenOptions;
  readonly #opened = new Map<string, Opened>();

  constructor(options: OpenOptions) {
    this.#options = options;
  }

  /**
   * The driver for these; what they do not need is closed a while later.
   * @throws StoreAddressError when a store has no address that it can use
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
      // One that cannot be closed is used no more either way.
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

// STORE_URL may still say where another store was.
function withUsedUrl({ store, url }: StoreLocation): StoreLocation {
  return url !== undefined && hasAddress(store) ? { store, url } : { store };
}

function nameOf({ store, url = '' }: StoreLocation): string {
  return `${store} ${url}`;
}

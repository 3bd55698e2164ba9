import type { Driver } from '../stores/driver.ts';
import { MigratingDriver, type Phase } from './migrating-driver.ts';
import { hasAddress, openDriver } from '../stores/open-driver.ts';

/** One store, and where it is, for a store that has an address. */
export interface Place {
  store: string;
  url?: string;
}

/** Where the sessions of an environment are. */
export interface Stores extends Place {
  /** They move to another store. */
  next?: Place & { phase: Phase };
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
  readonly #options: { dataDirectory: string; name: string };
  readonly #opened = new Map<string, Opened>();

  constructor(options: { dataDirectory: string; name: string }) {
    this.#options = options;
  }

  /**
   * The driver for these; what they do not need is closed a while later.
   * @throws StoreAddressError when a store has no address that it can use
   */
  async use({ next, ...place }: Stores): Promise<Driver> {
    const places = await Promise.all([place, ...(next ? [next] : [])].map(withUsedUrl));
    const [from, to] = await Promise.all(places.map((each) => this.#open(each)));
    this.#closeOthers(places.map(nameOf));
    return next && to ? new MigratingDriver(from as Driver, to, next.phase) : (from as Driver);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#opened].map(([name, opened]) => this.#close(name, opened)));
  }

  async #open(place: Place): Promise<Driver> {
    const name = nameOf(place);
    await this.#opened.get(name)?.closing;
    const opened = this.#opened.get(name) ?? { driver: openDriver(place.store, { ...this.#options, ...place }) };
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
async function withUsedUrl({ store, url }: Place): Promise<Place> {
  return url !== undefined && (await hasAddress(store)) ? { store, url } : { store };
}

function nameOf({ store, url = '' }: Place): string {
  return `${store} ${url}`;
}

import { setTimeout as wait } from 'node:timers/promises';
import type { Address, Host } from './address.ts';
import { connect } from './connect.ts';
import type { Commands, Link } from './link.ts';

/** The delay between two attempts doubles after each failure, between these limits. */
const shortestDelayMs = 25;
const longestDelayMs = 250;
/** After a link that lasted this long, the delay starts again at its shortest. */
const steadyMs = 5000;

/** Connects to the store in the background, and reconnects after each loss. Without a connection, calls fail and do not queue. */
export class Connection {
  readonly #address: Address;
  readonly #closing = new AbortController();
  /** Calls right after opening wait for the result of the first attempt. */
  readonly #firstAttempt: Promise<void>;
  #hosts: Host[];
  #link: Link | undefined;
  #reason: Error | undefined;

  constructor(address: Address) {
    this.#address = address;
    this.#hosts = address.hosts;
    this.#firstAttempt = new Promise((resolve) => void this.#keep(resolve));
  }

  /** @throws Error when there is no connection */
  async link(): Promise<Link> {
    await this.#firstAttempt;
    if (this.#link) return this.#link;
    throw new Error(`there is no connection to Redis (${this.#reason?.message ?? 'it was closed'})`);
  }

  /** @param bytes the approximate size of the command */
  async run<T>(bytes: number, command: (commands: Commands) => Promise<T>): Promise<T> {
    return (await this.link()).run(bytes, command);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#link?.close();
    this.#link = undefined;
  }

  async #keep(afterAttempt: () => void): Promise<void> {
    for (let failures = 0; !this.#closing.signal.aborted; failures += 1) {
      const startMs = performance.now();
      await this.#connect(afterAttempt);
      if (performance.now() - startMs > steadyMs) failures = 0;
      await this.#waitBeforeRetry(failures);
    }
    afterAttempt();
  }

  /** Resolves when the link is lost. */
  async #connect(afterAttempt: () => void): Promise<void> {
    try {
      const link = await connect(this.#address, this.#hosts);
      this.#use(link);
      afterAttempt();
      this.#reason = await link.lost;
      // For a cluster, the other nodes stay usable until the new link is connected.
      if (!link.isCluster) this.#use(undefined);
    } catch (error) {
      this.#reason = error as Error;
      afterAttempt();
    }
  }

  #use(link: Link | undefined): void {
    const before = this.#link;
    if (this.#closing.signal.aborted) link?.destroy();
    else this.#link = link;
    if (before?.isCluster) void before.close();
    else before?.destroy();
    // Remember the cluster's nodes: the node that the address names may be removed from the cluster.
    if (link) this.#hosts = unite(this.#address.hosts, link.hosts);
  }

  async #waitBeforeRetry(failures: number): Promise<void> {
    const { signal } = this.#closing;
    const longest = Math.min(shortestDelayMs * 2 ** failures, longestDelayMs);
    try {
      await wait(longest * (0.5 + Math.random() / 2), undefined, { ref: false, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

function unite(...hosts: Host[][]): Host[] {
  return [...new Map(hosts.flat().map((host) => [`${host.host}:${host.port}`, host])).values()];
}

import { setTimeout as wait } from 'node:timers/promises';
import { Pool, type PoolClient, type QueryConfig } from 'pg';
import type { Address } from './address.ts';
import { StoreClient } from './client.ts';
import { explain, isTimeout, PostgresFailure } from './failure.ts';

/** How long the way to a connection may take, its greeting aside. */
const connectMs = 1400;
const configureMs = 500;
/** After this time the server itself ends a statement. */
const statementMs = 1000;
const closeMs = 2000;
/** Shorter than what firewalls remember. */
const idleMs = 60_000;
const connectionLimit = 8;
/** How many calls may wait for one of them. */
const waitingLimit = 1000;

/** A query that rejects when it has no answer after so many milliseconds; its type does not know of that. */
export interface TimedQuery extends QueryConfig {
  query_timeout: number;
}

/** A connection, and where it is from. */
interface Lent {
  client: PoolClient;
  pool: Pool;
}

/** A few connections, which come and go with the server. */
export class Connections {
  /** A pooler such as PgBouncer is in between, and gives each transaction another of its own connections. */
  isPooled = false;
  readonly #address: Address;
  readonly #direct = new WeakSet<PoolClient>();
  /** Those who wait for a connection: each is called when its pool is replaced. */
  readonly #waiting = new Set<() => void>();
  #pool: Pool;
  #closing: Promise<void> | undefined;

  constructor(address: Address) {
    this.#address = address;
    this.#pool = this.#createPool();
  }

  /**
   * Lends a connection for some work. One on which the work failed is closed, which undoes what it left open.
   * @throws PostgresFailure when there is none to be had in time
   */
  async use<T>(work: (client: PoolClient, isDirect: boolean) => Promise<T>): Promise<T> {
    const { client, pool } = await this.#connect();
    const sinceMs = performance.now();
    try {
      const result = await work(client, this.#direct.has(client));
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      if (isTimeout(error) && performance.now() - sinceMs > statementMs) this.#replace(pool);
      throw error;
    }
  }

  /** Those in use end with their statements, which end in time. */
  async close(): Promise<void> {
    this.#closing ??= this.#pool.end();
    await Promise.race([this.#closing, wait(closeMs, undefined, { ref: false })]);
  }

  async #connect(): Promise<Lent> {
    const { serverName } = this.#address;
    if (this.#pool.waitingCount >= waitingLimit) {
      throw new PostgresFailure(`PostgreSQL at ${serverName}: ${waitingLimit} calls wait for a connection already`);
    }
    try {
      return await this.#wait();
    } catch (error) {
      throw explain(error, serverName);
    }
  }

  // A pool that was replaced serves nobody: who waits in it goes on with the new one, for the time that is left.
  async #wait(): Promise<Lent> {
    const deadlineMs = performance.now() + connectMs + configureMs;
    do {
      const pool = this.#pool;
      const client = await this.#waitIn(pool, deadlineMs - performance.now());
      if (client) return { client, pool };
    } while (performance.now() < deadlineMs);
    throw new Error('timeout expired');
  }

  /** Gives nothing when the pool was replaced, or the time is over. */
  #waitIn(pool: Pool, ms: number): Promise<PoolClient | undefined> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(leave);
        resolve(undefined);
      };
      const timer = setTimeout(leave, ms).unref();
      this.#waiting.add(leave);
      pool.connect((error, client) => {
        if (!this.#waiting.has(leave)) client?.release();
        else if (client) resolve(client);
        else reject(error);
        leave();
      });
    });
  }

  // The server would have ended the statement. When one connection is dead without a word, so are those beside it.
  #replace(pool: Pool): void {
    // A pool may end once only, and nobody would end the new one.
    if (this.#closing || pool !== this.#pool) return;
    this.#pool = this.#createPool();
    for (const leave of this.#waiting) leave();
    void pool.end();
  }

  #createPool(): Pool {
    const pool = new Pool({
      ...this.#address.config,
      Client: StoreClient as never,
      max: connectionLimit,
      connectionTimeoutMillis: connectMs,
      idleTimeoutMillis: idleMs,
      query_timeout: statementMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      // An idle connection does not keep the process.
      allowExitOnIdle: true,
      // It is awaited, whatever its type says.
      onConnect: (client) => this.#configure(client as PoolClient) as unknown as undefined,
    });
    // A connection that breaks while it is idle is dropped; while it is used, the statement rejects.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
    return pool;
  }

  // Behind a pooler, a setting of the connection would be that of another client at the next moment. A pooler is told by
  // the process, which is another one than the one that the connection was told of.
  async #configure(client: PoolClient): Promise<void> {
    const { processID } = client as unknown as { processID: number | null };
    const query: TimedQuery = {
      text: `SELECT set_config('statement_timeout', $1, false) WHERE pg_backend_pid() = $2`,
      values: [String(statementMs), processID],
      query_timeout: configureMs,
    };
    const { rowCount } = await client.query(query);
    if (rowCount === 1) this.#direct.add(client);
    this.isPooled = rowCount !== 1;
  }
}

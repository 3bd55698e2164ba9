import { setTimeout as wait } from 'node:timers/promises';
import { Pool, type PoolClient, type QueryConfig } from 'pg';
import type { Address } from './address.ts';
import { StoreClient } from './client.ts';
import { explain, isTimeout, PostgresFailure } from './failure.ts';

/** How long connecting may take, without the configuration of the connection. */
const connectMs = 1400;
const configureMs = 500;
/** After this time, the server itself cancels a statement. */
const statementMs = 1000;
const closeMs = 2000;
/** Shorter than the idle timeout of firewalls. */
const idleMs = 60_000;
const connectionLimit = 8;
/** How many calls may wait for a connection. */
const waitingLimit = 1000;

/** A query with a timeout in milliseconds, which pg supports but its types omit. */
export interface TimedQuery extends QueryConfig {
  query_timeout: number;
}

/** A connection, and the pool that it belongs to. */
interface Lent {
  client: PoolClient;
  pool: Pool;
}

/** A small pool of connections, which is replaced when the server stops responding. */
export class Connections {
  /** A pooler such as PgBouncer is in between, and may run each transaction on a different connection. */
  isPooled = false;
  readonly #address: Address;
  readonly #direct = new WeakSet<PoolClient>();
  /** Callbacks of the calls that wait for a connection. All are called when the pool is replaced. */
  readonly #waiting = new Set<() => void>();
  #pool: Pool;
  #closing: Promise<void> | undefined;

  constructor(address: Address) {
    this.#address = address;
    this.#pool = this.#createPool();
  }

  /**
   * Runs `work` with a connection. If the work fails, the connection is closed, which rolls back an open transaction.
   * @throws PostgresFailure when no connection is available in time
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

  /** Connections in use are closed when their statements end. Statements have a timeout. */
  async close(): Promise<void> {
    this.#closing ??= this.#pool.end();
    await Promise.race([this.#closing, wait(closeMs, undefined, { ref: false })]);
  }

  async #connect(): Promise<Lent> {
    const { serverName } = this.#address;
    if (this.#pool.waitingCount >= waitingLimit) {
      throw new PostgresFailure(`PostgreSQL at ${serverName}: ${waitingLimit} calls already wait for a connection`);
    }
    try {
      return await this.#wait();
    } catch (error) {
      throw explain(error, serverName);
    }
  }

  // A replaced pool gives out no connections: a call that waits for it continues with the new pool for the remaining time.
  async #wait(): Promise<Lent> {
    const deadlineMs = performance.now() + connectMs + configureMs;
    do {
      const pool = this.#pool;
      const client = await this.#waitIn(pool, deadlineMs - performance.now());
      if (client) return { client, pool };
    } while (performance.now() < deadlineMs);
    throw new Error('timeout expired');
  }

  /** Resolves to undefined when the pool was replaced, or when the time is over. */
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

  // The server should have cancelled the statement. If one connection is dead, the others of the pool are probably dead too.
  #replace(pool: Pool): void {
    // A pool can be ended only once, and after `close` nothing would end a new pool.
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
      // An idle connection does not keep the process running.
      allowExitOnIdle: true,
      // pg awaits the result, although its types do not say so.
      onConnect: (client) => this.#configure(client as PoolClient) as unknown as undefined,
    });
    // The pool drops a connection that breaks while idle. If it breaks while in use, the statement rejects.
    pool.on('error', () => undefined);
    pool.on('connect', (client) => client.on('error', () => undefined));
    return pool;
  }

  // Behind a pooler, a setting of the connection would affect other clients. A pooler is detected by the process id: the server
  // process that runs the statement differs from the process that the connection reported.
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

import type { PoolClient } from 'pg';
import { readAddress } from './address.ts';
import { Connections, type TimedQuery } from './connections.ts';
import { explain, isDenied, isUnprepared } from './failure.ts';
import { Preparation } from './preparation.ts';

/** The id of the advisory lock for creating tables. It must differ from the lock for the session tables. */
const lockId = 7_365_737_362;
const callMs = 1900;
const schemaMs = 60_000;

/** The tables of an application. Each call has a timeout, and calls succeed again as soon as the server is back. */
export class OwnDatabase {
  readonly #serverName: string;
  readonly #schema: string;
  readonly #connections: Connections;
  readonly #preparation: Preparation;

  constructor(url: string, schema: string) {
    const address = readAddress(url);
    this.#serverName = address.serverName;
    this.#schema = schema;
    this.#connections = new Connections(address);
    this.#preparation = new Preparation(() => this.#prepare());
  }

  async query<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    await this.#preparation.verify(callMs);
    try {
      const { rows } = await this.#connections.use((client) => client.query(text, values));
      return rows as Row[];
    } catch (error) {
      if (isUnprepared(error)) this.#preparation.restart();
      throw explain(error, this.#serverName);
    }
  }

  close(): Promise<void> {
    this.#preparation.stop();
    return this.#connections.close();
  }

  async #prepare(): Promise<void> {
    try {
      await this.#connections.use((client) => this.#makeTables(client));
    } catch (error) {
      // The role may not create tables. Their owner may have created them. If not, the query fails and names the missing table.
      if (!isDenied(error)) throw explain(error, this.#serverName);
    }
  }

  // After a failure, the connection is closed, so the server rolls back the transaction.
  async #makeTables(client: PoolClient): Promise<void> {
    const atLength = (text: string): TimedQuery => ({ text, query_timeout: schemaMs });
    await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    await client.query(`SET LOCAL statement_timeout = ${schemaMs}`);
    await client.query(atLength(`SELECT pg_advisory_xact_lock(${lockId})`));
    await client.query(atLength(this.#schema));
    await client.query('COMMIT');
  }
}

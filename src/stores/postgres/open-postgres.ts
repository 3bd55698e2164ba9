import { verifyStoreAddress } from '../open-driver.ts';
import { importPeer } from '../peer.ts';

/** A PostgreSQL database, for an application's own data. */
export interface Postgres {
  /** Runs one statement, which is a transaction of its own. It rejects, soon, while the database cannot be reached. */
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export interface PostgresDatabaseOptions {
  url: string | undefined;
  /** What holds the address, for messages. */
  variable?: string;
  /**
   * SQL that makes the tables where they are missing: `CREATE TABLE IF NOT EXISTS …`. It runs before the first query, in one
   * transaction, one server at a time. Where the role may not make tables, their owner runs it.
   */
  schema: string;
}

/**
 * Connects as the session store does, so that the same address works. Connections are made when they are needed, and do
 * not keep the process running.
 * @throws StoreAddressError when the address is missing or not valid
 */
export async function openPostgres({ url, variable = 'url', schema }: PostgresDatabaseOptions): Promise<Postgres> {
  const address = await verifyStoreAddress('postgres', url, variable);
  const { OwnDatabase } = await importPeer('postgres', 'pg', () => import('./own-database.ts'));
  return new OwnDatabase(address, schema);
}

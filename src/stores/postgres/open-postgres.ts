import { verifyStoreAddress } from '../open-driver.ts';
import { checkedLater, findOptionalFault, findTextFault, verifyOptions } from '../options.ts';
import { importPeer } from '../peer.ts';
import { example } from './address.ts';

/** A PostgreSQL database, for an application's own data. */
export interface Postgres {
  /** Runs one statement as a separate transaction. It rejects quickly while the database is unreachable. */
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export interface PostgresDatabaseOptions {
  url: string | undefined;
  /** The name of the variable with the address, for messages. By default `url`. */
  variable?: string;
  /**
   * SQL that creates missing tables: `CREATE TABLE IF NOT EXISTS …`. It runs before the first query, in one transaction, and only
   * one server runs it at a time. If the role may not create tables, their owner must run it.
   */
  schema: string;
}

/**
 * Connects as the session store does, so that the same address works. Connections are opened when needed, and idle connections
 * do not keep the process running.
 * @throws StoreAddressError when the address is missing or not valid, TypeError when another option is not valid
 */
export async function openPostgres(options: PostgresDatabaseOptions): Promise<Postgres> {
  verifyOptions(options, `openPostgres({ url: '${example}', schema: 'CREATE TABLE IF NOT EXISTS …' })`, {
    url: checkedLater,
    variable: findOptionalFault,
    schema: findTextFault,
  });
  const { url, variable, schema } = options;
  const address = await verifyStoreAddress('postgres', url, variable);
  const { OwnDatabase } = await importPeer('the postgres store', 'pg', () => import('./own-database.ts'));
  return new OwnDatabase(address, schema);
}

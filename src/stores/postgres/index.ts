import type { Driver } from '../driver.ts';
import { openAt } from '../open-driver.ts';
import { openLater } from '../wrap.ts';

export { openPostgres, type Postgres, type PostgresDatabaseOptions } from './open-postgres.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. */
  url: string;
  /** Separates the sessions of several applications in one database. By default `sessapp`. */
  name?: string;
}

/**
 * A store in a PostgreSQL database. The first call connects and creates the tables; after a lost connection, the store
 * reconnects. Calls reject with a StoreAddressError when the address is not valid.
 */
export function postgres({ url, name = 'sessapp' }: PostgresOptions): Driver {
  return openLater(() => openAt('postgres', url, name, 'url'));
}

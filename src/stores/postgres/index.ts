import type { Driver } from '../driver.ts';
import { openAt } from '../open-driver.ts';
import { openLater } from '../wrap.ts';

export { openPostgres, type Postgres, type PostgresDatabaseOptions } from './open-postgres.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. */
  url: string;
  /** Keeps the sessions of several applications in one database apart. */
  name?: string;
}

/**
 * A store in tables of a PostgreSQL database, which it makes. It is connected to at its first call, and again after each
 * loss; calls reject with a StoreAddressError when the address is not valid.
 */
export function postgres({ url, name = 'sessapp' }: PostgresOptions): Driver {
  return openLater(() => openAt('postgres', url, name, 'url'));
}

import type { Driver } from '../driver.ts';
import { openAt } from '../open-driver.ts';
import { findOptionalFault, findTextFault, verifyOptions } from '../options.ts';
import { verifyPeer } from '../peer.ts';
import { openLater } from '../wrap.ts';
import { example, findFault } from './address.ts';

export { openPostgres, type Postgres, type PostgresDatabaseOptions } from './open-postgres.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. */
  url: string;
  /** Separates the sessions of several applications in one database. By default `sessapp`. */
  name?: string;
}

/**
 * A store in a PostgreSQL database. The first call connects and creates the tables; after a lost connection, the store
 * reconnects.
 * @throws TypeError when an option is not valid, or Error when the package `pg` is missing or too old
 */
export function postgres(options: PostgresOptions): Driver {
  verifyPeer('the postgres store', 'pg');
  verifyOptions(options, `postgres({ url: '${example}' })`, {
    url: (value) => findTextFault(value) ?? findFault(value as string),
    name: findOptionalFault,
  });
  const { url, name = 'sessapp' } = options;
  return openLater(() => openAt('postgres', url, name));
}

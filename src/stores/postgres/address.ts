import { createRequire } from 'node:module';
import type { ClientConfig, PoolConfig } from 'pg';

// Importing this module does not load pg, so that `postgres()` can say that pg is missing.
const require = createRequire(import.meta.url);

/** The configuration of a connection, and the name of the server for messages. */
export interface Address {
  config: PoolConfig;
  serverName: string;
}

export const example = 'postgres://user@localhost:5432/database';

const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'];
const parameters = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'channel_binding', 'host', 'port', 'options'];

/** Describes what is wrong with an address. It quotes no part, because any part may belong to a password. */
export function findFault(url: string): string | undefined {
  if (!/^postgres(ql)?:\/\//.test(url)) return 'does not begin with postgres://';
  const query = readQuery(url);
  const mode = query.get('sslmode') ?? 'disable';
  const hasUnknown = [...query.keys()].some((name) => !parameters.includes(name));
  if (hasUnknown) return `has an unknown parameter; valid parameters are ${parameters.join(', ')}`;
  if (!sslModes.includes(mode)) return `has an unknown sslmode; valid values are ${sslModes.join(', ')}`;
  if (mode === 'verify-ca' && !query.has('sslrootcert')) return 'has sslmode=verify-ca but no sslrootcert';
  const parser = loadParser();
  try {
    const { host, database } = readConfig(url, parser);
    if (!host) return 'has no host';
    if (host.includes(',')) return 'has several hosts';
    return database ? undefined : 'has no database';
  } catch (error) {
    const { path, code } = error as NodeJS.ErrnoException;
    if (path !== undefined) return `names a file that cannot be read (${code})`;
    return 'is not a valid address; in a user name or password, write @ as %40, / as %2F, # as %23, ? as %3F, % as %25';
  }
}

/** Reads a valid address. sslmode means the same as for psql, except that `prefer` never falls back to plain text. */
export function readAddress(url: string): Address {
  const { user, password, host = '', port = 5432, database, options, ssl = false } = readConfig(url);
  const config: PoolConfig = {
    host,
    port,
    database,
    ssl: verified(ssl) ?? false,
    // By default the user of this process, as for psql, and not PGUSER.
    user: user || (require('pg') as typeof import('pg')).defaults.user,
    ...(options && { options }),
    // A function prevents pg from using PGPASSWORD or ~/.pgpass when the address has no password.
    password: () => (password || undefined) as string,
    enableChannelBinding: ['prefer', 'require'].includes(readQuery(url).get('channel_binding') ?? ''),
    application_name: 'sessapp',
    // Otherwise pg would use PGSSLNEGOTIATION and PGCLIENT_ENCODING.
    sslnegotiation: 'postgres',
    client_encoding: 'utf8',
  };
  return { config, serverName: host.startsWith('/') ? host : `${host.includes(':') ? `[${host}]` : host}:${port}` };
}

// Set this explicitly, so that NODE_TLS_REJECT_UNAUTHORIZED cannot turn verification off.
function verified(ssl: PoolConfig['ssl']): PoolConfig['ssl'] {
  return ssl ? { rejectUnauthorized: true, ...Object(ssl) } : ssl;
}

function readQuery(url: string): URLSearchParams {
  return new URLSearchParams(/\?([^#]*)/.exec(url)?.[1]);
}

type Parser = typeof import('pg-connection-string');

// pg depends on this package. It may be installed where only pg can resolve it.
function loadParser(): Parser {
  return createRequire(require.resolve('pg'))('pg-connection-string') as Parser;
}

function readConfig(url: string, { parse, toClientConfig } = loadParser()): ClientConfig {
  return toClientConfig(parse(url, { useLibpqCompat: true }));
}

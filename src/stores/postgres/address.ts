import { createRequire } from 'node:module';
import { type ClientConfig, defaults, type PoolConfig } from 'pg';

// It comes with pg, which need not have put it where this file would find it.
const nearPg = createRequire(createRequire(import.meta.url).resolve('pg'));
const { parse, toClientConfig } = nearPg('pg-connection-string') as typeof import('pg-connection-string');

/** How to connect, and what a message calls the server. */
export interface Address {
  config: PoolConfig;
  serverName: string;
}

export const example = 'postgres://user@localhost:5432/database';

const sslModes = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'];
const parameters = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'channel_binding', 'host', 'port', 'options'];

/** What is wrong with an address, as the end of a sentence about it, with nothing of it: parts may be of a password. */
export function findFault(url: string): string | undefined {
  if (!/^postgres(ql)?:\/\//.test(url)) return 'does not begin with postgres://';
  const query = readQuery(url);
  const mode = query.get('sslmode') ?? 'disable';
  const hasUnknown = [...query.keys()].some((name) => !parameters.includes(name));
  if (hasUnknown) return `has a parameter that is none of ${parameters.join(', ')}`;
  if (!sslModes.includes(mode)) return `has an sslmode that is none of ${sslModes.join(', ')}`;
  if (mode === 'verify-ca' && !query.has('sslrootcert')) return 'has sslmode=verify-ca, and no sslrootcert';
  try {
    const { host, database } = readConfig(url);
    if (!host) return 'names no host';
    if (host.includes(',')) return 'names several hosts';
    return database ? undefined : 'names no database';
  } catch (error) {
    const { path, code } = error as NodeJS.ErrnoException;
    if (path !== undefined) return `names a file that cannot be read (${code})`;
    return 'is no address; in a user or a password @ is written as %40, / as %2F, # as %23, ? as %3F, % as %25';
  }
}

/** Reads an address without fault. Its sslmode means what it means to psql, but `prefer` never falls back to plain text. */
export function readAddress(url: string): Address {
  const { user, password, host = '', port = 5432, database, options, ssl = false } = readConfig(url);
  const config: PoolConfig = {
    host,
    port,
    database,
    ssl: verified(ssl) ?? false,
    // The user of this process, as for psql; not that of PGUSER.
    user: user || defaults.user,
    ...(options && { options }),
    // As a function, it is not taken from PGPASSWORD or ~/.pgpass when the address has none.
    password: () => (password || undefined) as string,
    enableChannelBinding: ['prefer', 'require'].includes(readQuery(url).get('channel_binding') ?? ''),
    application_name: 'sessapp',
    // Else they are those of PGSSLNEGOTIATION and PGCLIENT_ENCODING.
    sslnegotiation: 'postgres',
    client_encoding: 'utf8',
  };
  return { config, serverName: host.startsWith('/') ? host : `${host.includes(':') ? `[${host}]` : host}:${port}` };
}

// Else NODE_TLS_REJECT_UNAUTHORIZED would say whether a certificate is verified.
function verified(ssl: PoolConfig['ssl']): PoolConfig['ssl'] {
  return ssl ? { rejectUnauthorized: true, ...Object(ssl) } : ssl;
}

function readQuery(url: string): URLSearchParams {
  return new URLSearchParams(/\?([^#]*)/.exec(url)?.[1]);
}

function readConfig(url: string): ClientConfig {
  return toClientConfig(parse(url, { useLibpqCompat: true }));
}

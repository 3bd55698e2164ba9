/** The servers, and the credentials. Several hosts are nodes of one cluster, or a primary server and its replicas. */
export interface Address {
  hosts: Host[];
  tls: boolean;
  username?: string;
  password?: string;
  database: number;
}

export interface Host {
  host: string;
  port: number;
}

/**
 * Reads `redis://user:password@host:port/database`, or `rediss://…` for TLS. Only the host is required. There may be several
 * hosts: `redis://a:7001,b:7002`.
 */
export function readAddress(url: string): Address {
  const fault = findFault(url);
  if (fault !== undefined) throw new TypeError(`The address ${fault}.`);
  const urls = splitHosts(url).map((each) => new URL(each));
  const [{ protocol, username, password, pathname }] = urls as [URL];
  return {
    hosts: urls.map(toHost),
    tls: protocol === 'rediss:',
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    database: Number(pathname.slice(1)),
  };
}

export const example = 'redis://localhost:6379';

export function findFault(url: string): string | undefined {
  if (!/^rediss?:\/\//.test(url)) return 'does not begin with redis:// or rediss://';
  if (!splitHosts(url).every(isUsable)) return 'has no host, or a character that must be percent-encoded';
  const [{ pathname, search, hash }] = splitHosts(url).map((each) => new URL(each)) as [URL];
  if (!/^\/?\d*$/.test(pathname)) return 'has a database that is not a number';
  return search || hash ? 'has an unexpected ? or #; percent-encode it if it is part of the password' : undefined;
}

/** Splits an address into one address for each host. */
function splitHosts(url: string): string[] {
  const [, before = '', hosts = '', after = ''] = /^(\w+:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s.exec(url) ?? [];
  return hosts.split(',').map((host) => `${before}${host}${after}`);
}

function isUsable(url: string): boolean {
  if (!URL.canParse(url) || new URL(url).hostname === '') return false;
  return !/%(?![0-9a-f]{2})/i.test(url);
}

function toHost({ hostname, port }: URL): Host {
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port || 6379) };
}

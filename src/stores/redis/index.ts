import type { Driver } from '../driver.ts';
import { openAt } from '../open-driver.ts';
import { findOptionalFault, findTextFault, verifyOptions } from '../options.ts';
import { verifyPeer } from '../peer.ts';
import { openLater } from '../wrap.ts';
import { example, findFault } from './address.ts';

export { openRedis, type Redis, type RedisCommands, type RedisSetOptions } from './open-redis.ts';

export interface RedisOptions {
  /** `redis://user:password@host:port/database`, or `rediss://…` for TLS; several hosts are separated by commas. */
  url: string;
  /** Separates the sessions of several applications in one Redis. By default `sessapp`. */
  name?: string;
}

/**
 * A store in a Redis or Valkey server, or in a cluster. The first call connects; after a lost connection, the store reconnects.
 * @throws TypeError when an option is not valid, or Error when the package `redis` is missing or too old
 */
export function redis(options: RedisOptions): Driver {
  verifyPeer('the redis store', 'redis');
  verifyOptions(options, `redis({ url: '${example}' })`, {
    url: (value) => findTextFault(value) ?? findFault(value as string),
    name: findOptionalFault,
  });
  const { url, name = 'sessapp' } = options;
  return openLater(() => openAt('redis', url, name));
}

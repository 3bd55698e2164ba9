import type { Driver } from '../driver.ts';
import { openAt } from '../open-driver.ts';
import { openLater } from '../wrap.ts';

export { openRedis, type Redis, type RedisCommands, type RedisSetOptions } from './open-redis.ts';

export interface RedisOptions {
  /** `redis://user:password@host:port/database`, or `rediss://…` for TLS; several hosts are separated by commas. */
  url: string;
  /** Separates the sessions of several applications in one Redis. By default `sessapp`. */
  name?: string;
}

/**
 * A store in a Redis or Valkey server, or in a cluster. The first call connects; after a lost connection, the store reconnects.
 * Calls reject with a StoreAddressError when the address is not valid.
 */
export function redis({ url, name = 'sessapp' }: RedisOptions): Driver {
  return openLater(() => openAt('redis', url, name, 'url'));
}

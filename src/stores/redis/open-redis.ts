import { StoreClosed } from '../errors.ts';
import { verifyStoreAddress } from '../open-driver.ts';
import { checkedLater, findOptionalFault, verifyOptions } from '../options.ts';
import { importPeer } from '../peer.ts';
import { example } from './address.ts';

/** Redis commands with the signatures of the package `redis`. */
export interface RedisCommands {
  get(key: string): Promise<string | null>;
  /** Resolves to null when the condition was not met. */
  set(key: string, value: string, options?: RedisSetOptions): Promise<string | null>;
  del(key: string): Promise<number>;
  getDel(key: string): Promise<string | null>;
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
}

export interface RedisSetOptions {
  condition?: 'NX' | 'XX';
  /** In milliseconds: from now (PX), or since 1970 (PXAT). */
  expiration?: { type: 'PX' | 'PXAT'; value: number };
}

/** A connection to a Redis or Valkey server, or to a cluster, for an application's own data. */
export interface Redis {
  /**
   * Runs one command, such as `(commands) => commands.get('key')`. It rejects quickly while there is no connection. Connecting
   * and reconnecting happen in the background. In a cluster, all keys of a command must be on one node.
   */
  run<T>(command: (commands: RedisCommands) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * Connects as the session store does, so that the same address works.
 * @param options.variable the name of the variable with the address, for messages; by default `url`
 * @throws StoreAddressError when the address is missing or not valid, TypeError when another option is not valid
 */
export async function openRedis(options: { url: string | undefined; variable?: string }): Promise<Redis> {
  verifyOptions(options, `openRedis({ url: '${example}' })`, { url: checkedLater, variable: findOptionalFault });
  const url = await verifyStoreAddress('redis', options.url, options.variable);
  const [{ Connection }, { readAddress }] = await importPeer('the redis store', 'redis', () =>
    Promise.all([import('./connection.ts'), import('./address.ts')]),
  );
  const connection = new Connection(readAddress(url));
  let isClosed = false;
  return {
    async run(command) {
      if (isClosed) throw new StoreClosed();
      return connection.run(0, command);
    },
    close() {
      isClosed = true;
      return connection.close();
    },
  };
}

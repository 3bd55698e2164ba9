import { openRedis } from 'sessapp/stores/redis';
import { readEnvironmentName, readVariable } from '../settings.ts';
import { counts } from './counts.ts';
import { tokens } from './tokens.ts';
import type { Store } from './types.ts';
import { users } from './users.ts';

/** Stores accounts in the Redis of ACCOUNTS_URL, or else of STORE_URL. */
export async function openStore(): Promise<Store> {
  const own = readVariable('ACCOUNTS_URL');
  const redis = await openRedis({
    url: own ?? readVariable('STORE_URL'),
    variable: own === undefined ? 'STORE_URL' : 'ACCOUNTS_URL',
  });
  const prefix = `${readEnvironmentName()}:`;
  return {
    users: users(redis, prefix),
    tokens: tokens(redis, prefix),
    counts: counts(redis, prefix),
    close: () => redis.close(),
  };
}

import { openRedis } from 'sessapp/stores/redis';
import { readEnvironmentName, readVariable } from '../../settings.ts';
import type { Passkey, Passkeys } from './types.ts';

/** KEYS[1]: the passkeys of a user, by their ids. ARGV: an id, the expected counter, and the changed passkey as JSON. */
const replaceIfSame = `
  local stored = redis.call('HGET', KEYS[1], ARGV[1])
  if not stored or cjson.decode(stored).counter ~= tonumber(ARGV[2]) then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  return 1`;

/** Stores passkeys in the Redis of ACCOUNTS_URL, or else of STORE_URL, in one hash for each user. */
export async function openPasskeys(): Promise<Passkeys> {
  const own = readVariable('ACCOUNTS_URL');
  const redis = await openRedis({
    url: own ?? readVariable('STORE_URL'),
    variable: own === undefined ? 'STORE_URL' : 'ACCOUNTS_URL',
  });
  const prefix = `${readEnvironmentName()}:passkeys:`;
  const onUser = (userId: string, script: string, ...values: string[]) =>
    redis.run((commands) => commands.eval(script, { keys: [prefix + userId], arguments: values }));
  return {
    async listOf(userId) {
      const texts = (await onUser(userId, "return redis.call('HVALS', KEYS[1])")) as string[];
      return texts.map((text) => JSON.parse(text) as Passkey).sort((a, b) => a.createdAtMs - b.createdAtMs);
    },

    async get(userId, id) {
      const text = (await onUser(userId, "return redis.call('HGET', KEYS[1], ARGV[1])", id)) as string | null;
      return text === null ? undefined : (JSON.parse(text) as Passkey);
    },

    async create(passkey) {
      const script = "return redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])";
      return (await onUser(passkey.userId, script, passkey.id, JSON.stringify(passkey))) === 1;
    },

    async use(passkey, counter, usedAtMs) {
      const changed = JSON.stringify({ ...passkey, counter, usedAtMs });
      return (await onUser(passkey.userId, replaceIfSame, passkey.id, String(passkey.counter), changed)) === 1;
    },

    async remove(userId, id) {
      await onUser(userId, "return redis.call('HDEL', KEYS[1], ARGV[1])", id);
    },

    close: () => redis.close(),
  };
}

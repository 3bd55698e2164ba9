import type { Redis } from 'sessapp/stores/redis';
import type { User, Users } from './types.ts';

/** KEYS[1]: the user. ARGV: the expected hash of the password, and the new user as JSON. */
const replaceIfSame = `
  local stored = redis.call('GET', KEYS[1])
  if not stored or cjson.decode(stored).password ~= ARGV[1] then return 0 end
  redis.call('SET', KEYS[1], ARGV[2])
  return 1`;

export function users(redis: Redis, prefix: string): Users {
  const userKey = (id: string) => `${prefix}user:${id}`;
  const emailKey = (email: string) => `${prefix}email:${email}`;
  const get = async (id: string) => {
    const text = await redis.run((commands) => commands.get(userKey(id)));
    return text === null ? undefined : (JSON.parse(text) as User);
  };
  return {
    get,

    async find(email) {
      const id = await redis.run((commands) => commands.get(emailKey(email)));
      return id === null ? undefined : get(id);
    },

    // In a cluster the two keys can be on two nodes, so no transaction can cover both. If another request takes the
    // email first, nothing refers to this user, and it is deleted.
    async create(user) {
      await redis.run((commands) => commands.set(userKey(user.id), JSON.stringify(user)));
      const set = await redis.run((commands) => commands.set(emailKey(user.email), user.id, { condition: 'NX' }));
      if (set === null) await redis.run((commands) => commands.del(userKey(user.id)));
      return set !== null;
    },

    async setPassword(user, password, passwordVersion) {
      const changed = JSON.stringify({ ...user, password, passwordVersion });
      const options = { keys: [userKey(user.id)], arguments: [user.password, changed] };
      return (await redis.run((commands) => commands.eval(replaceIfSame, options))) === 1;
    },
  };
}

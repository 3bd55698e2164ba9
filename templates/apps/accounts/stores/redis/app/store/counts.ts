import type { Redis } from 'sessapp/stores/redis';
import type { Counts } from './types.ts';

/** KEYS[1]: the count. ARGV: how much to add, and the milliseconds until a new count expires. */
const addTo = `
  local count = math.max(0, (tonumber(redis.call('GET', KEYS[1])) or 0) + ARGV[1])
  local leftMs = redis.call('PTTL', KEYS[1])
  if leftMs <= 0 then leftMs = tonumber(ARGV[2]) end
  redis.call('SET', KEYS[1], count, 'PX', leftMs)
  return { count, leftMs }`;

export function counts(redis: Redis, prefix: string): Counts {
  const countKey = (key: string) => `${prefix}count:${key}`;
  return {
    async add(key, amount, windowMs) {
      const options = { keys: [countKey(key)], arguments: [String(amount), String(windowMs)] };
      const result = await redis.run((commands) => commands.eval(addTo, options));
      const [count = 0, leftMs = 0] = result as number[];
      return { count, endsAtMs: Date.now() + leftMs };
    },

    async read(key) {
      return Number((await redis.run((commands) => commands.get(countKey(key)))) ?? 0);
    },

    async clear(key) {
      await redis.run((commands) => commands.del(countKey(key)));
    },
  };
}

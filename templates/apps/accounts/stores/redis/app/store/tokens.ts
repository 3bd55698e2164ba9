import type { Redis } from 'sessapp/stores/redis';
import type { Purpose, Tokens } from './types.ts';

export function tokens(redis: Redis, prefix: string): Tokens {
  const tokenKey = (key: string) => `${prefix}token:${key}`;
  const parse = (text: string | null) => (text === null ? undefined : (JSON.parse(text) as Purpose));
  return {
    async put(key, purpose, expiresAtMs) {
      const expiration = { type: 'PXAT', value: expiresAtMs } as const;
      await redis.run((commands) => commands.set(tokenKey(key), JSON.stringify(purpose), { expiration }));
    },

    async get(key) {
      return parse(await redis.run((commands) => commands.get(tokenKey(key))));
    },

    async take(key) {
      return parse(await redis.run((commands) => commands.getDel(tokenKey(key))));
    },
  };
}

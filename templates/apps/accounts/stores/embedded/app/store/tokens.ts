import type { Database } from 'sessapp/stores/embedded';
import { ExpiringValues } from './expiring.ts';
import type { Purpose, Tokens } from './types.ts';

export function tokens(database: Database): Tokens {
  const values = new ExpiringValues<Purpose>(database, 'tokens');
  return {
    put(key, purpose, expiresAtMs) {
      return database.write(() => values.put(key, purpose, expiresAtMs));
    },

    async get(key) {
      return values.get(key)?.value;
    },

    take(key) {
      return database.write(() => {
        const found = values.get(key)?.value;
        values.remove(key);
        return found;
      });
    },
  };
}

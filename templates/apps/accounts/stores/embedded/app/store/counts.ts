import type { Database } from 'sessapp/stores/embedded';
import { ExpiringValues } from './expiring.ts';
import type { Counts } from './types.ts';

export function counts(database: Database): Counts {
  const values = new ExpiringValues<number>(database, 'counts');
  return {
    add(key, amount, windowMs) {
      return database.write(() => {
        const found = values.get(key);
        const count = Math.max(0, (found?.value ?? 0) + amount);
        const endsAtMs = found?.endsAtMs ?? Date.now() + windowMs;
        values.put(key, count, endsAtMs);
        return { count, endsAtMs };
      });
    },

    async read(key) {
      return values.get(key)?.value ?? 0;
    },

    clear(key) {
      return database.write(() => values.remove(key));
    },
  };
}

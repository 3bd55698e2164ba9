import type { Postgres } from 'sessapp/stores/postgres';
import { sweep } from './sweep.ts';
import type { Counts } from './types.ts';

const add = `
  INSERT INTO accounts_counts AS stored (environment, key, count, ends_at)
  VALUES ($1, $2, greatest(0, $3::integer), now() + $4::float8 * interval '1 millisecond')
  ON CONFLICT (environment, key) DO UPDATE SET
    count = CASE WHEN stored.ends_at > now() THEN greatest(0, stored.count + $3::integer) ELSE excluded.count END,
    ends_at = CASE WHEN stored.ends_at > now() THEN stored.ends_at ELSE excluded.ends_at END
  RETURNING count, ends_at AS "endsAt"`;

export function counts(postgres: Postgres, environment: string): Counts {
  return {
    async add(key, amount, windowMs) {
      await sweep(postgres, 'accounts_counts');
      const [row] = await postgres.query<{ count: number; endsAt: Date }>(add, [environment, key, amount, windowMs]);
      return { count: row?.count ?? 0, endsAtMs: row?.endsAt.getTime() ?? 0 };
    },

    async read(key) {
      const text = 'SELECT count FROM accounts_counts WHERE environment = $1 AND key = $2 AND ends_at > now()';
      const [row] = await postgres.query<{ count: number }>(text, [environment, key]);
      return row?.count ?? 0;
    },

    async clear(key) {
      await postgres.query('DELETE FROM accounts_counts WHERE environment = $1 AND key = $2', [environment, key]);
    },
  };
}

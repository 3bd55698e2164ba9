import type { Postgres } from 'sessapp/stores/postgres';
import { sweep } from './sweep.ts';
import type { Purpose, Tokens } from './types.ts';

interface Row {
  purpose: Purpose;
}

const one = 'environment = $1 AND key = $2 AND ends_at > now()';

export function tokens(postgres: Postgres, environment: string): Tokens {
  return {
    async put(key, purpose, expiresAtMs) {
      await sweep(postgres, 'accounts_tokens');
      const text = 'INSERT INTO accounts_tokens (environment, key, purpose, ends_at) VALUES ($1, $2, $3, $4)';
      await postgres.query(text, [environment, key, JSON.stringify(purpose), new Date(expiresAtMs)]);
    },

    async get(key) {
      const text = `SELECT purpose FROM accounts_tokens WHERE ${one}`;
      const [row] = await postgres.query<Row>(text, [environment, key]);
      return row?.purpose;
    },

    async take(key) {
      const text = `DELETE FROM accounts_tokens WHERE ${one} RETURNING purpose`;
      const [row] = await postgres.query<Row>(text, [environment, key]);
      return row?.purpose;
    },
  };
}

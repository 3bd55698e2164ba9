import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openPostgres } from 'sessapp/stores/postgres';
import { readEnvironmentName, readVariable } from '../../settings.ts';
import { tokenKey } from '../../tokens.ts';
import type { Passkey, Passkeys } from './types.ts';

type Fixed = Omit<Passkey, 'counter' | 'usedAtMs'>;

interface Row {
  passkey: Fixed;
  /** PostgreSQL's client returns a bigint as text. */
  counter: string;
  usedAt: Date;
}

const select = 'SELECT passkey, counter, used_at AS "usedAt" FROM accounts_passkeys';
const ofUser = 'WHERE environment = $1 AND user_id = $2';
const one = `${ofUser} AND key = $3`;

/** Stores passkeys in the PostgreSQL database of ACCOUNTS_URL, or else of STORE_URL. */
export async function openPasskeys(): Promise<Passkeys> {
  const own = readVariable('ACCOUNTS_URL');
  const postgres = await openPostgres({
    url: own ?? readVariable('STORE_URL'),
    variable: own === undefined ? 'STORE_URL' : 'ACCOUNTS_URL',
    schema: await readFile(join(import.meta.dirname, 'schema.sql'), 'utf8'),
  });
  const environment = readEnvironmentName();
  return {
    async listOf(userId) {
      const rows = await postgres.query<Row>(`${select} ${ofUser} ORDER BY created_at`, [environment, userId]);
      return rows.map(toPasskey);
    },

    async get(userId, id) {
      const [row] = await postgres.query<Row>(`${select} ${one}`, [environment, userId, tokenKey(id)]);
      return row && toPasskey(row);
    },

    async create({ counter, usedAtMs, ...fixed }) {
      const text = `INSERT INTO accounts_passkeys (environment, user_id, key, passkey, counter, created_at, used_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING key`;
      const times = [new Date(fixed.createdAtMs), new Date(usedAtMs)];
      const values = [environment, fixed.userId, tokenKey(fixed.id), JSON.stringify(fixed), counter, ...times];
      return (await postgres.query(text, values)).length === 1;
    },

    async use({ userId, id, counter }, newCounter, usedAtMs) {
      const text = `UPDATE accounts_passkeys SET counter = $5, used_at = $6 ${one} AND counter = $4 RETURNING key`;
      const values = [environment, userId, tokenKey(id), counter, newCounter, new Date(usedAtMs)];
      return (await postgres.query(text, values)).length === 1;
    },

    async remove(userId, id) {
      await postgres.query(`DELETE FROM accounts_passkeys ${one}`, [environment, userId, tokenKey(id)]);
    },

    close: () => postgres.close(),
  };
}

function toPasskey({ passkey, counter, usedAt }: Row): Passkey {
  return { ...passkey, counter: Number(counter), usedAtMs: usedAt.getTime() };
}

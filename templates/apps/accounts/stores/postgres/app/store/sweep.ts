import type { Postgres } from 'sessapp/stores/postgres';

/** How many expired rows a write removes: more than it adds, so that the table stays small. */
const sweepCount = 10;

/** Removes some expired rows of a table. Reads ignore expired rows anyway. */
export async function sweep(postgres: Postgres, table: 'accounts_tokens' | 'accounts_counts'): Promise<void> {
  await postgres.query(
    `DELETE FROM ${table} WHERE ctid IN
      (SELECT ctid FROM ${table} WHERE ends_at < now() ORDER BY ends_at LIMIT ${sweepCount} FOR UPDATE SKIP LOCKED)`,
  );
}

import type { Postgres } from 'sessapp/stores/postgres';

/** How many rows that have ended a write removes: more than it makes, so that the table stays small. */
const sweepCount = 10;

/** Removes some rows of a table that have ended. Reads leave them out anyway. */
export async function sweep(postgres: Postgres, table: 'accounts_tokens' | 'accounts_counts'): Promise<void> {
  await postgres.query(
    `DELETE FROM ${table} WHERE ctid IN
      (SELECT ctid FROM ${table} WHERE ends_at < now() ORDER BY ends_at LIMIT ${sweepCount} FOR UPDATE SKIP LOCKED)`,
  );
}

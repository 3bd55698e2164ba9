import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openPostgres } from 'sessapp/stores/postgres';
import { readEnvironmentName, readVariable } from '../settings.ts';
import { counts } from './counts.ts';
import { tokens } from './tokens.ts';
import type { Store } from './types.ts';
import { users } from './users.ts';

/** Stores accounts in the PostgreSQL database of ACCOUNTS_URL, or else of STORE_URL. */
export async function openStore(): Promise<Store> {
  const own = readVariable('ACCOUNTS_URL');
  const postgres = await openPostgres({
    url: own ?? readVariable('STORE_URL'),
    variable: own === undefined ? 'STORE_URL' : 'ACCOUNTS_URL',
    schema: await readFile(join(import.meta.dirname, 'schema.sql'), 'utf8'),
  });
  const environment = readEnvironmentName();
  return {
    users: users(postgres, environment),
    tokens: tokens(postgres, environment),
    counts: counts(postgres, environment),
    close: () => postgres.close(),
  };
}

import { join } from 'node:path';
import { openDatabase } from 'sessapp/stores/embedded';
import { dataDirectory } from '../settings.ts';
import { counts } from './counts.ts';
import { tokens } from './tokens.ts';
import type { Store } from './types.ts';
import { users } from './users.ts';

/** Opens the database in `data/accounts`, which all server processes of this machine share. */
export async function openStore(): Promise<Store> {
  const tables = ['users', 'emails', 'tokens', 'counts', 'tokens-by-end', 'counts-by-end'] as const;
  const database = await openDatabase({ directory: join(dataDirectory, 'accounts'), tables });
  return {
    users: users(database),
    tokens: tokens(database),
    counts: counts(database),
    close: () => database.close(),
  };
}

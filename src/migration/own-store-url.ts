import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import type { Stores } from './open-stores.ts';
import type { StoreVariables } from './read-stores.ts';

/** @throws UserError when sessions are on their way to another store, which this server could not follow to its end */
export function verifyFollows({ STORE_URL }: StoreVariables, { next }: Stores): void {
  if (!STORE_URL || next?.phase !== 'move') return;
  throw new UserError(
    'store-url-in-environment',
    'Sessions are moving to another store, and STORE_URL is set in the environment variables, which wins over .env.',
    'Unset the variable, and start the server again.',
  );
}

/** Tells `sessapp store migrate`, while nothing has moved yet, that this server has an address of its own. */
export async function tellOwnStoreUrl(
  directory: string,
  { STORE_URL }: StoreVariables,
  { next }: Stores,
): Promise<void> {
  if (!STORE_URL || next?.phase !== 'prepare') return;
  const data = join(directory, 'data');
  await mkdir(data, { recursive: true, mode: 0o700 });
  await writeFile(join(data, 'own-store-url.json'), `${JSON.stringify({ pid: process.pid })}\n`, { mode: 0o600 });
}

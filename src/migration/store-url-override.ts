import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import type { Stores } from './open-stores.ts';
import type { StoreVariables } from './read-stores.ts';

/** @throws UserError when sessions are moving to another store and this server could not follow them */
export function verifyNoOverride({ STORE_URL }: StoreVariables, { next }: Stores): void {
  if (!STORE_URL || next?.phase !== 'move') return;
  throw new UserError(
    'store-url-in-environment',
    'Sessions are moving to another store, but the environment variable STORE_URL is set and overrides .env.',
    'Unset the variable, and start the server again.',
  );
}

/** The file in which a server reports that it cannot follow a migration, because its own STORE_URL overrides `.env`. */
export function overrideFile(directory: string): string {
  return join(directory, 'data', 'own-store-url.json');
}

/** Tells `sessapp store migrate`, before any session moves, that this server uses its own STORE_URL. */
export async function reportOverride(
  directory: string,
  { STORE_URL }: StoreVariables,
  { next }: Stores,
): Promise<void> {
  if (!STORE_URL || next?.phase !== 'prepare') return;
  const file = overrideFile(directory);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, `${JSON.stringify({ pid: process.pid })}\n`, { mode: 0o600 });
}

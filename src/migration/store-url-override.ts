import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import type { Stores } from './open-stores.ts';
import type { StoreVariables } from './read-stores.ts';

/** @throws UserError when sessions are on their way to another store, which this server could not follow to its end */
export function verifyNoOverride({ STORE_URL }: StoreVariables, { next }: Stores): void {
  if (!STORE_URL || next?.phase !== 'move') return;
  throw new UserError(
    'store-url-in-environment',
    'Sessions are moving to another store, and STORE_URL is set in the environment variables, which wins over .env.',
    'Unset the variable, and start the server again.',
  );
}

/** Written by a server whose own STORE_URL wins over `.env`, when it sees that sessions are to move: it cannot follow. */
export function overrideFile(directory: string): string {
  return join(directory, 'data', 'own-store-url.json');
}

/** Tells `sessapp store migrate`, while nothing has moved yet, that this server has an address of its own. */
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

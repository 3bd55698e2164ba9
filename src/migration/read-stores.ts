import { join } from 'node:path';
import { type Marker, markerName, requireMarker } from '../settings/marker.ts';
import { envFileName } from '../settings/secrets.ts';
import { readVariables } from '../settings/variables.ts';
import type { Stores } from './open-stores.ts';

/** The environment variable with the address of the store. */
export interface StoreVariables {
  STORE_URL?: string | undefined;
}

/**
 * Reads from `sessapp.json` and `.env` where the sessions are. During a migration, NEXT_STORE_URL is the address of the new
 * store. In the phase `switch`, all sessions have moved, but STORE_URL may still be the old address.
 * @throws UserError when one of the files is missing or not valid
 */
export async function readStores(directory: string, environment: StoreVariables): Promise<Stores> {
  for (;;) {
    const marker = await requireMarker(directory);
    const { STORE_URL, NEXT_STORE_URL } = await readVariables(directory);
    // The command changes the marker before and after it changes .env, so read .env between two equal reads of the marker.
    if (JSON.stringify(await requireMarker(directory)) !== JSON.stringify(marker)) continue;
    return toStores(marker, environment.STORE_URL || STORE_URL, NEXT_STORE_URL);
  }
}

function toStores({ store, migration }: Marker, url: string | undefined, nextUrl: string | undefined): Stores {
  if (!migration) return { store, ...at(url) };
  if (migration.phase === 'switch') return { store, ...at(nextUrl ?? url) };
  return {
    store,
    ...at(url),
    next: { store: migration.to, phase: migration.phase, ...at(nextUrl), variable: 'NEXT_STORE_URL' },
  };
}

function at(url: string | undefined): { url?: string } {
  return url === undefined ? {} : { url };
}

/** The files that determine the stores. */
export function storeFiles(directory: string): string[] {
  return [markerName, envFileName].map((name) => join(directory, name));
}

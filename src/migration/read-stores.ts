import { join } from 'node:path';
import { type Marker, markerName, requireMarker } from '../settings/marker.ts';
import { envFileName } from '../settings/secrets.ts';
import { readVariables } from '../settings/variables.ts';
import type { Stores } from './open-stores.ts';

/** What of the environment variables says where the store is. */
export interface StoreVariables {
  STORE_URL?: string | undefined;
}

/**
 * Where the sessions are, by `sessapp.json` and `.env`. While they move, NEXT_STORE_URL is where they go; `switch` is the
 * phase in which they have arrived, and STORE_URL may not say so yet.
 * @throws UserError when one of the files says nothing that could be used
 */
export async function readStores(directory: string, environment: StoreVariables): Promise<Stores> {
  for (;;) {
    const marker = await requireMarker(directory);
    const { STORE_URL, NEXT_STORE_URL } = await readVariables(directory);
    // The files are changed one after the other, the marker before and after each change of the other one.
    if (JSON.stringify(await requireMarker(directory)) !== JSON.stringify(marker)) continue;
    return toStores(marker, environment.STORE_URL || STORE_URL, NEXT_STORE_URL);
  }
}

function toStores({ store, migration }: Marker, url: string | undefined, nextUrl: string | undefined): Stores {
  if (!migration) return { store, ...at(url) };
  if (migration.phase === 'switch') return { store, ...at(nextUrl ?? url) };
  return { store, ...at(url), next: { store: migration.to, phase: migration.phase, ...at(nextUrl) } };
}

function at(url: string | undefined): { url?: string } {
  return url === undefined ? {} : { url };
}

/** The files that say where the sessions are. */
export function storeFiles(directory: string): string[] {
  return [markerName, envFileName].map((name) => join(directory, name));
}

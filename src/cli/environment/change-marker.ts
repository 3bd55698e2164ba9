import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../errors.ts';
import { type Marker, markerName, readMarker, renderMarker } from '../../settings/marker.ts';
import type { Environment } from './find.ts';
import { replaceFile } from './write-file.ts';

/** Beside the marker while it is being changed. The .gitignore covers it. */
const draftName = '.sessapp-marker';

/**
 * Changes an environment's `sessapp.json` in one step; the change is on the disk when this returns. One process does so at
 * a time.
 * @returns the environment as it is now
 */
export async function changeMarker(
  { directory }: Environment,
  change: (marker: Marker) => Marker,
): Promise<Environment> {
  const found = await readMarker(directory);
  if (!found) throw new UserError('marker-missing', `${join(directory, markerName)} went.`, 'Restore it.');
  const marker = change(found);
  const path = join(directory, markerName);
  await replaceFile(path, join(directory, draftName), renderMarker(marker), await lstat(path), async () => true);
  return { directory, marker };
}

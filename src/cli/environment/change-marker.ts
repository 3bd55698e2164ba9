import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../errors.ts';
import { type Marker, markerName, readMarker, renderMarker } from '../../settings/marker.ts';
import type { Environment } from './find.ts';
import { replaceFile } from './write-file.ts';

/** A temporary file next to the marker, used while the marker changes. The .gitignore covers it. */
const draftName = '.sessapp-marker';

/**
 * Changes an environment's `sessapp.json` atomically. The change is on disk when this returns. Only one process at a time
 * may call this.
 * @returns the environment with the new marker
 */
export async function changeMarker(
  { directory }: Environment,
  change: (marker: Marker) => Marker,
): Promise<Environment> {
  const found = await readMarker(directory);
  if (!found) throw new UserError('marker-missing', `${join(directory, markerName)} was deleted.`, 'Restore it.');
  const marker = change(found);
  const path = join(directory, markerName);
  await replaceFile(path, join(directory, draftName), renderMarker(marker), await lstat(path), async () => true);
  return { directory, marker };
}

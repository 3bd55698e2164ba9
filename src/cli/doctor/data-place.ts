import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { realpathIfThere } from './resolve.ts';

/** Where data is, or will be: `data/` may be a link to another disk, or not be there yet. */
export async function dataPlace(directory: string): Promise<string> {
  const place = await realpathIfThere(join(directory, 'data'));
  return place !== undefined && (await stat(place)).isDirectory() ? place : directory;
}

import { join } from 'node:path';
import { isThere, readTextIfThere } from '../../files.ts';
import { markerName } from '../../settings/marker.ts';
import { formerFolder, stagedFile } from '../upgrade/swap.ts';
import { carriedFolder } from './carried.ts';

/**
 * Finds the name of the session cookie of an environment that has lost its `sessapp.json`. It contains a hash of the path where
 * the environment was made, so after a move it cannot be computed again.
 * @returns undefined when the directory has never been an environment with a server; `name` is undefined when it is not known
 */
export async function findLostCookie(directory: string): Promise<{ name: string | undefined } | undefined> {
  if (!(await isThere(join(directory, carriedFolder))) || !(await isThere(join(directory, 'package.json'))))
    return undefined;
  // doctor moves a damaged file to the first path. An upgrade keeps the replaced files.
  const copies = [join(directory, damagedName), stagedFile(formerFolder(directory), markerName)];
  const texts = await Promise.all(copies.map((path) => readTextIfThere(path)));
  const names = texts.map((text = '') => /"cookie":\s*"([\w.-]+)"/.exec(text)?.[1]);
  const name = names.find((found) => found !== undefined);
  // Only a server makes `data`. Without one there are no cookies, and another `init` may be filling the directory.
  return name !== undefined || (await isThere(join(directory, 'data'))) ? { name } : undefined;
}

const damagedName = `${markerName}.damaged`;

import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { orUndefined } from '../errors.ts';

/** @param root a real path, as `path` is one */
export function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
}

export async function realpathIfThere(path: string): Promise<string | undefined> {
  return orUndefined(realpath(path), 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG');
}

/** The real path of a directory; undefined when there is none, or something else. */
export async function realDirectory(path: string): Promise<string | undefined> {
  const real = await realpathIfThere(path);
  return real !== undefined && (await stat(real)).isDirectory() ? real : undefined;
}

/** Where data is, or will be: `data/` may be a link to another disk, or not be there yet. */
export async function dataPlace(directory: string): Promise<string> {
  return (await realDirectory(join(directory, 'data'))) ?? directory;
}

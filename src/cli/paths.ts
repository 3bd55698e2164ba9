import { realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, sep } from 'node:path';
import { hasCode, orUndefined, UserError } from '../errors.ts';

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
export async function dataDirectory(directory: string): Promise<string> {
  return (await realDirectory(join(directory, 'data'))) ?? directory;
}

/**
 * The user's home directory, as `env` or the user database says.
 * @throws UserError where neither does, as in a container with a uid of its own
 */
export function homeDirectory({ HOME }: NodeJS.ProcessEnv): string {
  try {
    return HOME || homedir();
  } catch (error) {
    if (!hasCode(error, 'ERR_SYSTEM_ERROR')) throw error;
    const fact = 'This user has no home directory: HOME is not set, and the system does not know the user.';
    throw new UserError('no-home', fact, 'Set HOME to a directory that this user may write, such as: export HOME=/tmp');
  }
}

import { realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { hasCode, orUndefined, UserError } from '../errors.ts';

/** @param root a real path (no links), as `path` must be too */
export function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
}

export async function realpathIfThere(path: string): Promise<string | undefined> {
  return orUndefined(realpath(path), 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG');
}

/** The real path of a directory; undefined when the path is missing or not a directory. */
export async function realDirectory(path: string): Promise<string | undefined> {
  const real = await realpathIfThere(path);
  return real !== undefined && (await stat(real)).isDirectory() ? real : undefined;
}

/** The real path of `data/`, which may be a link to another disk; the environment itself while `data/` is missing. */
export async function dataDirectory(directory: string): Promise<string> {
  return (await realDirectory(join(directory, 'data'))) ?? directory;
}

/** The real path. If the path does not exist, or this user may not follow it, the absolute path itself. */
export async function realpathOrItself(path: string): Promise<string> {
  return (await orUndefined(realpath(path), 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES')) ?? resolve(path);
}

/** The real paths of the home directories that the environment variables name. */
export async function listHomes({ env }: { env: NodeJS.ProcessEnv }): Promise<string[]> {
  const homes = [env.HOME, env.USERPROFILE].filter((home) => home !== undefined && home !== '');
  return Promise.all(homes.map((home) => realpathOrItself(home ?? '')));
}

/**
 * The user's home directory, from HOME or the user database.
 * @throws UserError when both are missing, as in a container with an arbitrary uid
 */
export function homeDirectory({ HOME }: NodeJS.ProcessEnv): string {
  try {
    return HOME || homedir();
  } catch (error) {
    if (!hasCode(error, 'ERR_SYSTEM_ERROR')) throw error;
    const fact = 'This user has no home directory: HOME is not set, and the system does not know the user.';
    throw new UserError('no-home', fact, 'Set HOME to a directory that this user can write to: export HOME=/tmp');
  }
}

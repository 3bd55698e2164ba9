import { lstat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hasCode, UserError } from '../../../errors.ts';
import { makeDirectory } from '../../../files.ts';
import type { System } from '../../../system.ts';
import { homeDirectory } from '../../paths.ts';

/** The directory of the snapshots: `SESSAPP_CACHE_DIR`, else the platform's standard cache directory. */
export function cacheDirectory({ env, cwd }: Pick<System, 'env' | 'cwd'>): string {
  if (env.SESSAPP_CACHE_DIR) return resolve(cwd, env.SESSAPP_CACHE_DIR);
  // The XDG specification says that a relative path must be ignored.
  if (env.XDG_CACHE_HOME?.startsWith('/')) return join(env.XDG_CACHE_HOME, 'sessapp');
  const home = homeDirectory(env);
  if (process.platform === 'darwin') return join(home, 'Library', 'Caches', 'sessapp');
  if (process.platform === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'sessapp', 'Cache');
  return join(home, '.cache', 'sessapp');
}

/**
 * Makes the directory if it is missing. A directory that other users can write to is refused: they could add code to it.
 * @returns the reason why the directory must not be used, or undefined
 */
export async function refuseDirectory(directory: string): Promise<string | undefined> {
  try {
    await makeDirectory(directory, 0o700);
    const { uid, mode } = await lstat(directory);
    if (process.getuid && uid !== process.getuid()) return 'it belongs to another user';
    return mode & 0o022 ? 'other users can write to it' : undefined;
  } catch (error) {
    if (error instanceof UserError) return 'it cannot be created';
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOSPC', 'EDQUOT', 'ELOOP')) return error.code;
    throw error;
  }
}

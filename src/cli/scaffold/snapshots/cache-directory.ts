import { lstat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { hasCode, UserError } from '../../../errors.ts';
import { makeDirectory } from '../../../files.ts';
import type { System } from '../../../system.ts';
import { homeDirectory } from '../../paths.ts';

/** Where snapshots are kept: `SESSAPP_CACHE_DIR`, else the place that the platform has for caches. */
export function cacheDirectory({ env, cwd }: Pick<System, 'env' | 'cwd'>): string {
  if (env.SESSAPP_CACHE_DIR) return resolve(cwd, env.SESSAPP_CACHE_DIR);
  // The specification of XDG says that a relative path is to be ignored.
  if (env.XDG_CACHE_HOME?.startsWith('/')) return join(env.XDG_CACHE_HOME, 'sessapp');
  const home = homeDirectory(env);
  if (process.platform === 'darwin') return join(home, 'Library', 'Caches', 'sessapp');
  if (process.platform === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'sessapp', 'Cache');
  return join(home, '.cache', 'sessapp');
}

/**
 * Makes the directory where it is missing.
 * @returns why it is not to be used; undefined when it may be. Whoever can write there could plant code.
 */
export async function refuseDirectory(directory: string): Promise<string | undefined> {
  try {
    await makeDirectory(directory, 0o700);
    const { uid, mode } = await lstat(directory);
    if (process.getuid && uid !== process.getuid()) return 'it belongs to another user';
    return mode & 0o022 ? 'others may write there' : undefined;
  } catch (error) {
    if (error instanceof UserError) return 'it cannot be made';
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOSPC', 'EDQUOT', 'ELOOP')) return error.code;
    throw error;
  }
}

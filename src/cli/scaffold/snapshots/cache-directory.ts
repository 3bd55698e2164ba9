import { join, resolve } from 'node:path';
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

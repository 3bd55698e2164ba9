import { join, resolve } from 'node:path';
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

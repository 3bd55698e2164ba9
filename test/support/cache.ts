import { cp } from 'node:fs/promises';
import { basename } from 'node:path';

/** Copies the cache that all tests share, without the snapshots that other tests are saving at this moment. */
export async function copySharedCache(to: string): Promise<void> {
  const isWhole = (path: string): boolean => !basename(path).startsWith('.sessapp-staging-');
  await cp(process.env.SESSAPP_CACHE_DIR ?? '', to, {
    recursive: true,
    preserveTimestamps: true,
    verbatimSymlinks: true,
    filter: isWhole,
  });
}

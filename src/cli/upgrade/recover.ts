import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What was prepared, from the moment that it counts. */
export function nextFolder(directory: string): string {
  return join(directory, '.sessapp', 'next');
}

/** Ends an upgrade that was killed while it took its place. Nothing is done where there is none. */
export async function recoverUpgrade(directory: string): Promise<void> {
  if (!existsSync(nextFolder(directory))) return;
  const [{ withLock }, { finishSwap }] = await Promise.all([
    import('../scaffold/directory-lock.ts'),
    import('./swap.ts'),
  ]);
  await withLock(directory, async () => finishSwap(directory));
}

import { withLock } from '../scaffold/directory-lock.ts';
import { finishSwap, isSwapUnfinished } from './swap.ts';

/** Ends an upgrade that was killed while it took its place. Nothing is done where there is none. */
export async function recoverUpgrade(directory: string): Promise<void> {
  if (isSwapUnfinished(directory)) await withLock(directory, async () => finishSwap(directory));
}

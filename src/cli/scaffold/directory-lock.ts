import { join } from 'node:path';
import { UserError } from '../../errors.ts';
import { type Lock, releaseLock, removeDrafts, waitForLock } from '../environment/lock.ts';
import { closedToOthers } from './umask.ts';

/** The file that is there while a directory is being changed; its drafts have longer names. */
export const lockName = '.sessapp-lock';

/**
 * Changes a directory while no other sessapp does; only their owner may write to new files.
 * @throws UserError when another one is at it for too long
 */
export async function withLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const path = join(directory, lockName);
  const holder = await waitForLock(path);
  if (holder) throw busy(directory, holder);
  try {
    await removeDrafts(path);
    return await closedToOthers(work);
  } finally {
    await releaseLock(path);
  }
}

function busy(directory: string, { owner }: Lock): UserError {
  return new UserError(
    'busy',
    `Another sessapp (process ${owner.pid}) is at work in ${directory}.`,
    'Wait until it has ended, then run the same command again.',
  );
}

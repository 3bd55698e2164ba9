import { join } from 'node:path';
import { type Lock, releaseLock, removeDrafts, waitForLock } from '../environment/lock.ts';
import { isOfThisMachine, isRunning } from '../environment/process-identity.ts';
import { UserError } from '../errors.ts';
import { isOlderThan } from './staging.ts';

/** The file that is there while a directory is being changed; its drafts have longer names. */
export const lockName = '.sessapp-lock';

/** A holder on another machine cannot be asked whether it lives; its lock counts as left over after this time. */
const foreignMs = 10 * 60 * 1000;

/**
 * Changes a directory while no other sessapp does.
 * @throws UserError when another one is at it for too long
 */
export async function withLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const path = join(directory, lockName);
  const holder = await waitForLock(path, (lock) => isHeld(lock, path));
  if (holder) throw busy(directory, holder);
  try {
    await removeDrafts(path);
    return await work();
  } finally {
    await releaseLock(path);
  }
}

async function isHeld({ owner }: Lock, path: string): Promise<boolean> {
  return (await isOfThisMachine(owner)) ? isRunning(owner) : !(await isOlderThan(foreignMs, path));
}

function busy(directory: string, { owner }: Lock): UserError {
  return new UserError(
    'busy',
    `Another sessapp (process ${owner.pid}) is at work in ${directory}.`,
    'Wait until it has ended, then run the same command again.',
  );
}

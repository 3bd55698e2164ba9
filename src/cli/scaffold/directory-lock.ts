import { join } from 'node:path';
import { whileLocked } from '../environment/lock.ts';
import { withRestrictiveUmask } from './umask.ts';

/** The file that is there while a directory is being changed; its drafts have longer names. */
export const lockName = '.sessapp-lock';

/**
 * Changes a directory while no other sessapp does; only their owner may write to new files.
 * @throws UserError when another one is at it for too long
 */
export async function withLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  return whileLocked(join(directory, lockName), `is at work in ${directory}`, () => withRestrictiveUmask(work));
}

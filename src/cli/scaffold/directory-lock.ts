import { join } from 'node:path';
import { whileLocked } from '../environment/lock.ts';
import { withRestrictiveUmask } from './umask.ts';

/** The lock file that exists while a directory is being changed. The names of its temporary files begin with this name. */
export const lockName = '.sessapp-lock';

/**
 * Runs `work` while no other sessapp command changes the directory. Only the owner can write to the files it creates.
 * @throws UserError when another command does not release the lock in time
 */
export async function withLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  return whileLocked(join(directory, lockName), `is changing ${directory}`, () => withRestrictiveUmask(work));
}

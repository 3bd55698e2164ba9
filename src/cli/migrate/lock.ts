import { join } from 'node:path';
import { UserError } from '../../errors.ts';
import type { Environment } from '../environment/find.ts';
import { acquireLock, releaseLock, removeDrafts } from '../environment/lock.ts';

/** The file that is there while sessions are being moved. The .gitignore covers it. */
export const migrationLockName = '.sessapp-migration-lock';

/** Works while no other sessapp moves the sessions of this environment. @throws UserError when one does */
export async function withMigrationLock<T>({ directory }: Environment, work: () => Promise<T>): Promise<T> {
  const path = join(directory, migrationLockName);
  const holder = await acquireLock(path, {});
  if (holder)
    throw new UserError(
      'busy',
      `Another sessapp (process ${holder.owner.pid}) moves the sessions of ${directory}.`,
      'Wait until it has ended.',
    );
  try {
    await removeDrafts(path);
    return await work();
  } finally {
    await releaseLock(path);
  }
}

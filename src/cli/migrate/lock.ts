import { join } from 'node:path';
import { UserError } from '../../errors.ts';
import type { Environment } from '../environment/find.ts';
import { acquireLock, releaseLock, removeDrafts } from '../environment/lock.ts';

/** The lock file that exists while sessions are being moved. The .gitignore covers it. */
export const migrationLockName = '.sessapp-migration-lock';

/** Does some work under the migration lock. @throws UserError when another process holds the lock */
export async function withMigrationLock<T>({ directory }: Environment, work: () => Promise<T>): Promise<T> {
  const path = join(directory, migrationLockName);
  const holder = await acquireLock(path, {});
  if (holder)
    throw new UserError(
      'busy',
      `Another sessapp command (process ${holder.owner.pid}) is moving the sessions of ${directory}.`,
      'Wait until it has finished.',
    );
  try {
    await removeDrafts(path);
    return await work();
  } finally {
    await releaseLock(path);
  }
}

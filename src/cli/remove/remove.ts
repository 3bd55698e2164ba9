import { chmod, lstat, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode, orUndefined, UserError } from '../../errors.ts';
import { lstatIfThere } from '../../files.ts';
import { markerName } from '../../settings/marker.ts';
import { envFileName } from '../../settings/secrets.ts';
import type { System } from '../../system.ts';
import { claimServer, forgetServer } from '../control/server-record.ts';
import { forget } from '../environment/known.ts';
import { acquireLock, type Lock, releaseLock } from '../environment/lock.ts';
import { lockName } from '../scaffold/directory-lock.ts';
import { findLeftovers, freeStagingPath, removeTree } from '../scaffold/staging.ts';
import { busy, missing, type Removable, verifyNotServed } from './removable.ts';

// First, the environment is renamed within its parent directory, to a name that `init`, `remove` and `doctor` recognise as a
// leftover. Then it is deleted. A process that is killed leaves either the whole environment or such a leftover. The running
// copy of sessapp may be the environment's own, so nothing is imported after the rename.

/**
 * Removes an environment. A signal after the rename does not stop the deletion.
 * @throws UserError when it is in use or has changed, or when a part could not be deleted
 */
export async function removeEnvironment(system: System, environment: Removable): Promise<void> {
  const { directory } = environment;
  const signal = system.catchInterrupts();
  const isTaken = await takeLock(directory);
  let aside: string;
  try {
    await claim(system, environment);
    try {
      signal.throwIfAborted();
      aside = await moveAside(environment);
    } catch (error) {
      await forgetServer(environment);
      throw error;
    }
  } catch (error) {
    if (isTaken) await releaseLock(join(directory, lockName));
    throw error;
  }
  await forget(system, directory);
  await deleteAside(aside, directory);
}

/** Deletes the leftovers of killed processes beside an environment. Skips those that belong to another user. */
export async function clearLeftovers(directory: string): Promise<void> {
  for (const leftover of await findLeftovers(dirname(directory)))
    await orUndefined(removeTree(leftover), 'EACCES', 'EPERM', 'ENOTEMPTY', 'EBUSY');
}

/** @returns false when the disk is too full to write a lock: removal must still work, because it frees space */
async function takeLock(directory: string): Promise<boolean> {
  let holder: Lock | undefined;
  try {
    // Its owner may have made it read-only.
    await chmod(directory, (await lstat(directory)).mode | 0o700);
    holder = await acquireLock(join(directory, lockName), {});
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) throw missing(directory);
    if (hasCode(error, 'ENOSPC', 'EDQUOT')) return false;
    throw error;
  }
  if (holder) throw busy(directory, holder);
  return true;
}

/** Prevents a server from starting. */
async function claim(system: System, environment: Removable): Promise<void> {
  await verifyNotServed(system, environment);
  if (environment.sharesData) return;
  const about = { background: false, hasOwnSecret: false };
  const server = await orUndefined(claimServer(environment, about), 'ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'ENOTDIR');
  if (server) await verifyNotServed(system, environment);
}

async function moveAside({ directory, inode }: Removable): Promise<string> {
  const aside = await freeStagingPath(dirname(directory));
  if ((await lstatIfThere(directory))?.ino !== inode) throw changedMeanwhile(directory);
  try {
    await rename(directory, aside);
  } catch (error) {
    if (!hasCode(error, 'EBUSY', 'EXDEV')) throw error;
    const fact = `${directory} is a mount point.`;
    throw new UserError('other-file-system', fact, 'Unmount it first, or delete its content.');
  }
  // If another process put a link or another directory there, the rename has moved that.
  if ((await lstat(aside)).ino === inode) return aside;
  await rename(aside, directory);
  throw changedMeanwhile(directory);
}

function changedMeanwhile(directory: string): UserError {
  return new UserError(
    'changed-meanwhile',
    `${directory} was replaced meanwhile; nothing was removed.`,
    'Look at what is there, then run the same command again.',
  );
}

/** Deletes sessapp.json first, so that the rest is not an environment, then the secret. */
async function deleteAside(aside: string, directory: string): Promise<void> {
  try {
    // Other users can no longer reach its files by path.
    await chmod(aside, 0o700);
    for (const name of [markerName, envFileName]) await removeTree(join(aside, name));
    await orUndefined(removeTree(aside), 'EACCES', 'EPERM', 'ENOTEMPTY');
    await openFolders(aside);
    await removeTree(aside);
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM', 'ENOTEMPTY', 'EBUSY', 'EIO', 'EROFS')) throw error;
    throw new UserError(
      'removal-unfinished',
      `${directory} is removed, but some files are left in ${aside} (${error.code}).`,
      'Look at what is left there, and delete it.',
    );
  }
}

// Nothing can be deleted in a read-only folder.
async function openFolders(directory: string): Promise<void> {
  if (!(await lstatIfThere(directory))?.isDirectory()) return;
  await chmod(directory, 0o700);
  const entries = await readdir(directory, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await openFolders(join(directory, entry.name));
}

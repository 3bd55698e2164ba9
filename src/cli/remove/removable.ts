import { lstat, realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { notTheOwner, orUndefined, UsageError, UserError } from '../../errors.ts';
import { lstatIfThere } from '../../files.ts';
import { type Marker, OldEnvironment, readMarker } from '../../settings/marker.ts';
import type { System } from '../../system.ts';
import { findRunningServer, isListening } from '../control/server-record.ts';
import { type Lock, readLock } from '../environment/lock.ts';
import { isRunning } from '../environment/process-identity.ts';
import { migrationLockName } from '../migrate/lock.ts';
import { isInside, listHomes, realpathOrItself } from '../paths.ts';
import { lockName } from '../scaffold/directory-lock.ts';
import { envLockName } from '../secrets/env-file.ts';
import { commandLine, quoteLine } from '../shells/shells.ts';

/** An environment that may be removed. */
export interface Removable {
  /** Its real path. */
  directory: string;
  marker: Marker;
  /** Shows whether another directory has taken its place meanwhile. */
  inode: number;
  /** `data` is a link to a folder that other environments may share. */
  sharesData: boolean;
}

/**
 * Finds the environment to remove.
 * @param operand as the user typed it
 * @throws UserError when it is not an environment, or must not be removed now
 */
export async function findRemovable(system: System, operand: string): Promise<Removable> {
  if (operand === '') throw new UsageError('The name of the environment is empty.', 'For example: myenv');
  const named = resolve(system.cwd, operand);
  await verifyDirectory(system, named);
  const directory = await realpath(named);
  await verifyPlace(system, directory);
  const marker = await requireEnvironment(named);
  const { ino, uid } = await lstat(directory);
  verifyOwner(directory, uid);
  const sharesData = (await lstatIfThere(join(directory, 'data')))?.isSymbolicLink() ?? false;
  const removable = { directory, marker, inode: ino, sharesData };
  await verifyUnlocked(directory);
  await verifyNotServed(system, removable);
  return removable;
}

async function verifyDirectory(system: System, named: string): Promise<void> {
  const found = await lstatIfThere(named);
  if (!found) throw missing(named);
  if (!found.isSymbolicLink()) return;
  const target = await realpathOrItself(named);
  const remedy = `Name the directory itself: ${await quoteLine(system, 'sessapp', 'remove', target)}`;
  throw new UserError('target-refused', `${named} is a symbolic link to ${target}.`, remedy);
}

/** The failure for a directory that does not exist, or no longer exists. */
export function missing(directory: string): UserError {
  return new UserError('not-an-environment', `${directory} does not exist.`, 'To list your environments: sessapp list');
}

async function verifyPlace(system: System, directory: string): Promise<void> {
  const refuse = (what: string): UserError =>
    new UserError('target-refused', `${directory} ${what}.`, 'Name the directory of an environment.');
  if (dirname(directory) === directory) throw refuse('is the root of the file system');
  const home = (await listHomes(system)).find((path) => isInside(directory, path));
  if (home !== undefined) throw refuse(home === directory ? 'is your home directory' : 'contains your home directory');
  if (!isInside(directory, await realpathOrItself(system.cwd))) return;
  const leave = await quoteLine(system, 'cd', dirname(directory));
  throw new UserError('inside', `You are in ${directory}, which would be removed.`, `Leave it first: ${leave}`);
}

async function requireEnvironment(directory: string): Promise<Marker> {
  try {
    const marker = await readMarker(directory);
    if (marker) return marker;
  } catch (error) {
    if (error instanceof OldEnvironment) return error.marker;
    throw error;
  }
  const fact = `${directory} is not an environment: it has no sessapp.json.`;
  throw new UserError('not-an-environment', fact, 'sessapp removes only environments. To list them: sessapp list');
}

// Another user could replace folders by links while root deletes them.
function verifyOwner(directory: string, uid: number): void {
  if (!process.getuid || process.getuid() === uid) return;
  throw notTheOwner(directory, uid);
}

async function verifyUnlocked(directory: string): Promise<void> {
  for (const name of [lockName, migrationLockName, envLockName]) {
    const lock = await readLock<Lock>(join(directory, name));
    if (lock?.owner && (await isRunning(lock.owner))) throw busy(directory, lock);
  }
}

/** The failure when another command is changing the environment. */
export function busy(directory: string, { owner }: Lock): UserError {
  return new UserError(
    'busy',
    `Another sessapp command (process ${owner.pid}) is changing ${directory}.`,
    'Wait until it has ended, then run the same command again.',
  );
}

/** @throws UserError when its server runs. A server of another directory that shares `data` does not count. */
export async function verifyNotServed(system: System, { directory, sharesData }: Removable): Promise<void> {
  const server = await findRunningServer({ directory });
  if (!server) return;
  const from = server.directory;
  const isElsewhere = from !== undefined && from !== directory && (await orUndefined(lstat(from), 'ENOENT'));
  if (sharesData && isElsewhere) return;
  const state = isListening(server) ? `runs at ${server.url}` : `is being started by process ${server.owner.pid}`;
  const stop = await commandLine(system, directory, 'stop');
  throw new UserError('already-running', `The server of ${directory} ${state}.`, `Stop it first: ${stop}`);
}

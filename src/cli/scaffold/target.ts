import { constants } from 'node:fs';
import { access, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hasCode, orUndefined, UserError } from '../../errors.ts';
import { lstatIfThere } from '../../files.ts';
import { damagedMarker, type Marker, markerName, readMarker } from '../../settings/marker.ts';
import type { System } from '../../system.ts';
import { nearestEnvironment } from '../environment/find.ts';
import { listHomes, realpathOrItself } from '../paths.ts';
import { commandLine } from '../shells/shells.ts';
import { lockName } from './directory-lock.ts';
import { findLeftovers } from './staging.ts';

/** How long to wait for another process that is moving an environment into place. That usually takes less than a second. */
const waitMs = 10_000;
const pollMs = 20;

const packagesFolder = 'node_modules';

/** The state of the directory that is to become an environment. */
export type Target =
  | { kind: 'missing'; directory: string }
  | { kind: 'environment'; directory: string; marker: Marker }
  /** A directory that is not an environment. `entries` are the names in it. */
  | { kind: 'directory'; directory: string; entries: string[] };

/**
 * Returns the state of the target directory. Call `recover` first, which cleans up after an interrupted `init`.
 * @param directory absolute
 * @throws UserError when no environment can be made there, or an `init` there was interrupted or is running
 */
export async function inspectTarget(system: System, directory: string): Promise<Target> {
  for (const deadline = Date.now() + waitMs; Date.now() < deadline; await wait(pollMs)) {
    if ((await findLeftovers(directory)).length > 0) throw unsettled(directory);
    const target = await inspectOnce(system, directory);
    if (target) return target;
  }
  throw unsettled(directory);
}

// Undefined while another process is moving an environment into place.
async function inspectOnce(system: System, directory: string): Promise<Target | undefined> {
  await verifyAllowed(system, directory);
  if (!(await exists(directory))) {
    const parent = await verifyParent(directory);
    await verifyResolves(system, directory, parent);
    await verifyNotInside(parent);
    return { kind: 'missing', directory };
  }
  const real = await realpath(directory);
  await verifyResolves(system, directory, real);
  await verifyNotInside(dirname(real));
  await verifyWritable(real);
  const names = await readdir(real);
  if (names.some((name) => name.startsWith(lockName))) return undefined;
  const marker = await readMarker(real);
  if (marker) return { kind: 'environment', directory: real, marker };
  await verifyNoLink(real);
  if ((await readdir(real)).includes(markerName)) return undefined;
  return { kind: 'directory', directory: real, entries: names.filter((name) => !name.startsWith('.sessapp-')) };
}

// A broken link is listed by readdir, but reading it looks as if the marker did not exist.
async function verifyNoLink(directory: string): Promise<void> {
  const found = await lstatIfThere(join(directory, markerName));
  if (!found?.isSymbolicLink()) return;
  throw await damagedMarker(directory, 'it is a link to something that does not exist');
}

function unsettled(directory: string): UserError {
  return new UserError(
    'unsettled',
    `An init in ${directory} is running or was interrupted.`,
    'Wait until it ends, or run the same command again without --dry-run, which completes or undoes it.',
  );
}

async function verifyAllowed(system: System, directory: string): Promise<void> {
  const isRoot = dirname(directory) === directory;
  const isHome = (await listHomes(system)).includes(await realpathOrItself(directory));
  if (!isRoot && !isHome) return;
  throw new UserError(
    'target-refused',
    `${directory} is ${isRoot ? 'the root of the file system' : 'your home directory'}, which cannot be an environment.`,
    'Choose a new directory: sessapp init myenv',
  );
}

// In a directory of this name, Node.js looks for no packages, and npm removes what it did not install.
async function verifyResolves(system: System, ...paths: string[]): Promise<void> {
  const inside = paths.find((path) => path.split(sep).includes(packagesFolder));
  if (inside === undefined) return;
  const parts = inside.split(sep);
  const place = parts.slice(0, parts.indexOf(packagesFolder)).join(sep);
  throw new UserError(
    'target-refused',
    `${join(place, packagesFolder)} is for the packages that npm installs, so an environment cannot be there.`,
    `Choose another directory: ${await commandLine(system, join(place, 'myenv'), 'init')}`,
  );
}

async function exists(directory: string): Promise<boolean> {
  const found = await orUndefined(stat(directory), 'ENOENT', 'ENOTDIR').catch((error: unknown) => {
    throw hasCode(error, 'ELOOP') ? notADirectory(directory, 'a link to itself') : error;
  });
  if (found?.isDirectory()) return true;
  if (found) throw notADirectory(directory, 'a file');
  const entry = await lstatIfThere(directory);
  if (entry?.isSymbolicLink()) throw notADirectory(directory, 'a link to something that does not exist');
  // The directory has been created in the meantime.
  return entry ? exists(directory) : false;
}

function notADirectory(directory: string, what: string): UserError {
  return new UserError('target-not-a-directory', `${directory} is ${what}.`, 'Remove it, or choose another directory.');
}

/** @returns the real path of the nearest existing parent */
async function verifyParent(directory: string): Promise<string> {
  const parent = dirname(directory);
  if (!(await exists(parent))) return verifyParent(parent);
  await verifyWritable(parent);
  return realpath(parent);
}

async function verifyNotInside(directory: string): Promise<void> {
  const outer = await nearestEnvironment(directory);
  if (!outer) return;
  throw new UserError(
    'target-inside-environment',
    `The directory is inside the environment ${outer.directory}. Environments cannot be nested.`,
    `Choose a directory next to it: ${join(dirname(outer.directory), `${basename(outer.directory)}-2`)}`,
  );
}

async function verifyWritable(directory: string): Promise<void> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EROFS', 'EPERM')) throw error;
    const fact = `This user cannot write to ${directory}.`;
    throw new UserError(
      'permission-denied',
      fact,
      'Choose one of your own directories, or get permission to write to this one.',
    );
  }
}

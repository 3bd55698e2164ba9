import { isSystemError, UserError } from '../../errors.ts';
import { type Marker, OldEnvironment, readMarker } from '../../settings/marker.ts';
import type { System } from '../../system.ts';
import { promptOf } from '../environment/find.ts';
import { forget, listKnown, remember } from '../environment/known.ts';
import { realpathIfThere } from '../paths.ts';
import { findRunningServer, type ServerRecord } from './server-record.ts';

/** An environment on the list of this machine. */
export interface ListedEnvironment {
  /** As an activated prompt shows it. */
  name: string;
  /** Its real path. */
  directory: string;
  /** Undefined when `problem` is set. */
  marker: Marker | undefined;
  server: ServerRecord | undefined;
  /** Why it cannot be read; undefined when it can. For example, this user has no access to its disk. */
  problem: string | undefined;
}

/**
 * The environments that this user has made or served here, sorted by name and directory. Removes those that no longer exist
 * from the list.
 * @throws UserError when the list belongs to another user, or other users can write to it
 */
export async function listEnvironments(system: System): Promise<ListedEnvironment[]> {
  const known = await Promise.all((await listKnown(system)).map((directory) => settle(system, directory)));
  const directories = [...new Set(known)].filter((directory) => directory !== undefined);
  const listed = await Promise.all(directories.map(describe));
  await Promise.all(directories.map(async (directory, n) => listed[n] ?? dropGone(system, directory)));
  return listed.filter((environment) => environment !== undefined).sort(byName);
}

// A directory that was moved may have left a link to its new place.
async function settle(system: System, directory: string): Promise<string> {
  const real = await orItself(realpathIfThere(directory), directory);
  if (real === directory) return directory;
  await remember(system, real);
  await forget(system, directory);
  return real;
}

async function orItself(work: Promise<string | undefined>, directory: string): Promise<string> {
  try {
    return (await work) ?? directory;
  } catch (error) {
    if (isSystemError(error)) return directory;
    throw error;
  }
}

/** Undefined when the directory no longer exists, or is no longer an environment. */
async function describe(directory: string): Promise<ListedEnvironment | undefined> {
  try {
    const marker = await readAnyMarker(directory);
    if (!marker) return undefined;
    const server = await findRunningServer({ directory });
    return { name: promptOf({ directory, marker }), directory, marker, server, problem: undefined };
  } catch (error) {
    if (!isSystemError(error) && !(error instanceof UserError)) throw error;
    return { name: promptOf({ directory }), directory, marker: undefined, server: undefined, problem: error.message };
  }
}

async function readAnyMarker(directory: string): Promise<Marker | undefined> {
  try {
    return await readMarker(directory);
  } catch (error) {
    if (error instanceof OldEnvironment) return error.marker;
    throw error;
  }
}

// After we found that the environment does not exist, another process may make it again and add it to the list.
async function dropGone(system: System, directory: string): Promise<void> {
  await forget(system, directory);
  if (await describe(directory)) await remember(system, directory);
}

function byName(a: ListedEnvironment, b: ListedEnvironment): number {
  const [first, second] = a.name === b.name ? [a.directory, b.directory] : [a.name, b.name];
  return first < second ? -1 : 1;
}

import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { orUndefined, UsageError, UserError } from '../../errors.ts';
import { isThere, listNames } from '../../files.ts';
import { BrokenEnvironment, type Marker, readMarker } from '../../settings/marker.ts';
import { restoringOptions } from '../../settings/restoring.ts';
import type { System } from '../../system.ts';
import { isInside } from '../paths.ts';
import { commandLine } from '../shells/shells.ts';

/** A directory with a readable `sessapp.json`. */
export interface Environment {
  /** Absolute. */
  directory: string;
  marker: Marker;
}

/** The text that an activated prompt shows. */
export function promptOf({ directory, marker }: PossiblyBrokenEnvironment): string {
  return marker?.prompt ?? basename(directory);
}

/**
 * The environment that a command works on: the named directory, else `SESSAPP_ENV`, else the nearest parent directory.
 * @param named the directories that the user typed, as the operand or with `-e`
 * @throws UserError when there is no environment, or the named directory is not one
 */
export async function findEnvironment(system: System, ...named: (string | undefined)[]): Promise<Environment> {
  // An empty name usually comes from an unset variable in a script, which does not mean the working directory.
  if (named.includes('')) throw new UsageError('The name of the environment is empty.', 'For example: myenv');
  const given = named.filter((directory) => directory !== undefined).map((directory) => resolve(system.cwd, directory));
  if (new Set(given).size > 1) {
    throw new UsageError(`Two environments were given: ${given.join(' and ')}.`, 'Give only one of them.');
  }
  const [directory] = given;
  if (directory !== undefined) return openEnvironment(system, directory);
  const activated = system.env.SESSAPP_ENV;
  if (activated) return openEnvironment(system, resolve(system.cwd, activated), 'SESSAPP_ENV names this directory. ');
  return findAbove(system);
}

/** A directory that should be an environment, but whose marker may be missing or damaged. */
export interface PossiblyBrokenEnvironment {
  /** Absolute. */
  directory: string;
  /** Undefined when `failure` is set. */
  marker?: Marker;
  failure?: BrokenEnvironment;
}

/**
 * Like `findEnvironment`, for a command that also works when `sessapp.json` is damaged or missing.
 * @throws UserError when no directory is found
 */
export async function findPossiblyBroken(
  system: System,
  ...named: (string | undefined)[]
): Promise<PossiblyBrokenEnvironment> {
  try {
    return await findEnvironment(system, ...named);
  } catch (error) {
    if (error instanceof BrokenEnvironment) return { directory: error.directory, failure: error };
    throw error;
  }
}

/** The environment in `start` or its nearest parent directory, if any. */
export async function nearestEnvironment(start: string): Promise<Environment | undefined> {
  for (let directory = start; ; directory = dirname(directory)) {
    const marker = await readMarker(directory);
    if (marker) return { directory, marker };
    if (dirname(directory) === directory) return undefined;
  }
}

async function findAbove(system: System): Promise<Environment> {
  const found = await nearestEnvironment(system.cwd);
  if (found) return found;
  await verifyNotUnmarked(system, system.cwd);
  throw new UserError(
    'no-environment',
    'There is no environment in this directory or its parent directories.',
    'Make one: sessapp init <dir>, or name one: -e <dir>',
  );
}

async function openEnvironment(system: System, directory: string, source = ''): Promise<Environment> {
  const marker = await readMarker(directory);
  if (marker) return { directory, marker };
  await verifyNotUnmarked(system, directory);
  const code = 'not-an-environment';
  const outer = source === '' && isInside(system.cwd, directory) ? await nearestEnvironment(system.cwd) : undefined;
  const advise = (remedy: string): string =>
    outer ? `You are in the environment ${outer.directory}. To use it, leave out the name.` : `${source}${remedy}`;
  const makeThere = `Make one there: ${await commandLine(system, directory, 'init')}, or name another with -e <dir>`;
  const found = await orUndefined(stat(directory), 'ENOENT', 'ENOTDIR', 'ELOOP');
  if (!found) throw new UserError(code, `${directory} does not exist.`, advise(makeThere));
  if (!found.isDirectory())
    throw new UserError(code, `${directory} is not a directory.`, advise('Name the directory of an environment.'));
  const names = await listNames(directory);
  // `init` takes an empty directory, and one in which it was interrupted.
  const isFree = names.length === 0 || names.some((name) => name.startsWith('.sessapp-'));
  const makeElsewhere = 'Make one in a new directory: sessapp init <dir>, or name another with -e <dir>';
  throw new BrokenEnvironment(
    directory,
    code,
    `${directory} is not an environment: it has no sessapp.json.`,
    advise(isFree ? makeThere : makeElsewhere),
  );
}

// An environment without a marker still has its other files.
async function verifyNotUnmarked(system: System, directory: string): Promise<void> {
  if (!(await isThere(join(directory, '.sessapp'))) || !(await isThere(join(directory, 'package.json')))) return;
  const again = await commandLine(system, directory, 'init', ...(await restoringOptions(directory)));
  throw new BrokenEnvironment(
    directory,
    'marker-missing',
    `${directory} looks like an environment, but its sessapp.json is missing.`,
    `Restore it from your version control, or write it again: ${again}`,
  );
}

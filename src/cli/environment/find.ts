import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError, UserError } from '../../errors.ts';
import { isThere } from '../../files.ts';
import { BrokenEnvironment, type Marker, readMarker } from '../../settings/marker.ts';
import { restoringOptions } from '../../settings/restoring.ts';
import type { System } from '../../system.ts';
import { commandLine } from '../shells/shells.ts';

/** A directory with a readable `sessapp.json`. */
export interface Environment {
  /** Absolute. */
  directory: string;
  marker: Marker;
}

/** What an activated prompt shows. */
export function promptOf({ directory, marker }: PossiblyBrokenEnvironment): string {
  return marker?.prompt ?? basename(directory);
}

/**
 * The environment that a command means: the one it names, else `SESSAPP_ENV`, else the nearest one above.
 * @param named a directory as the user typed it, one for each way of naming it (operand, `-e`)
 * @throws UserError when there is none, or when what is named is not one
 */
export async function findEnvironment(system: System, ...named: (string | undefined)[]): Promise<Environment> {
  // Such as a variable of a script that is not set: the directory that it happens to be in is not what it means.
  if (named.includes('')) throw new UsageError('The name of the environment is empty.', 'For example: myenv');
  const given = named.filter((directory) => directory !== undefined).map((directory) => resolve(system.cwd, directory));
  if (new Set(given).size > 1) {
    throw new UsageError(`Two environments are named: ${given.join(' and ')}.`, 'Name one of them.');
  }
  const [directory] = given;
  if (directory !== undefined) return openEnvironment(system, directory);
  const activated = system.env.SESSAPP_ENV;
  if (activated) return openEnvironment(system, resolve(system.cwd, activated), 'SESSAPP_ENV names it. ');
  return findAbove(system);
}

/** An environment as far as it can be read. */
export interface PossiblyBrokenEnvironment {
  /** Absolute. */
  directory: string;
  /** Undefined where the failure says why. */
  marker?: Marker;
  failure?: BrokenEnvironment;
}

/**
 * The same for a command that also works where `sessapp.json` is damaged or missing.
 * @throws UserError when there is no directory to look at
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

/** The nearest directory above `start` (itself included) that has a `sessapp.json`, if any. */
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
    'There is no environment here or above.',
    'Make one: sessapp init <dir>, or name one: -e <dir>',
  );
}

async function openEnvironment(system: System, directory: string, source = ''): Promise<Environment> {
  const marker = await readMarker(directory);
  if (marker) return { directory, marker };
  await verifyNotUnmarked(system, directory);
  const code = 'not-an-environment';
  const make = async (...options: string[]): Promise<string> =>
    `${source}Make one there: ${await commandLine(system, directory, 'init', ...options)}, or name another with -e <dir>`;
  if (!existsSync(directory)) throw new UserError(code, `${directory} does not exist.`, await make());
  throw new BrokenEnvironment(
    directory,
    code,
    `${directory} is not an environment: it has no sessapp.json.`,
    await make(...(await restoringOptions(directory))),
  );
}

// An environment whose marker was deleted: everything else of it is there.
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

import { access } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { hasCode, UsageError, UserError } from '../errors.ts';
import type { System } from '../system.ts';
import { type Marker, readMarker } from './marker.ts';

/** A directory with a readable `sessapp.json`. */
export interface Environment {
  /** Absolute. */
  directory: string;
  marker: Marker;
}

/** What an activated prompt shows. */
export function promptOf({ directory, marker }: Environment): string {
  return marker.prompt ?? basename(directory);
}

/**
 * The environment that a command means: the one it names, else `SESSAPP_ENV`, else the nearest one above.
 * @param named a directory as the user typed it, one for each way of naming it (operand, `-e`)
 * @throws UserError when there is none, or when what is named is not one
 */
export async function findEnvironment(system: System, ...named: (string | undefined)[]): Promise<Environment> {
  const given = named.filter((directory) => directory !== undefined).map((directory) => resolve(system.cwd, directory));
  if (new Set(given).size > 1) {
    throw new UsageError(`Two environments are named: ${given.join(' and ')}.`, 'Name one of them.');
  }
  const [directory] = given;
  if (directory !== undefined) return openEnvironment(directory);
  const activated = system.env.SESSAPP_ENV;
  if (activated) return openEnvironment(resolve(system.cwd, activated), 'SESSAPP_ENV names it. ');
  return findAbove(system.cwd);
}

/** The nearest directory above `start` (itself included) that has a `sessapp.json`, if any. */
export async function nearestEnvironment(start: string): Promise<Environment | undefined> {
  for (let directory = start; ; directory = dirname(directory)) {
    const marker = await readMarker(directory);
    if (marker) return { directory, marker };
    if (dirname(directory) === directory) return undefined;
  }
}

async function findAbove(cwd: string): Promise<Environment> {
  const found = await nearestEnvironment(cwd);
  if (found) return found;
  await verifyNotUnmarked(cwd);
  throw new UserError(
    'no-environment',
    'There is no environment here or above.',
    'Make one: sessapp init myenv, or name one: -e <dir>',
  );
}

async function openEnvironment(directory: string, source = ''): Promise<Environment> {
  const marker = await readMarker(directory);
  if (marker) return { directory, marker };
  await verifyNotUnmarked(directory);
  const exists = await isThere(directory);
  throw new UserError(
    'not-an-environment',
    exists ? `${directory} is not an environment: it has no sessapp.json.` : `${directory} does not exist.`,
    `${source}Make one there: sessapp init${exists ? ' --allow-existing' : ''}, or name another with -e <dir>`,
  );
}

// An environment whose marker was deleted: everything else of it is there.
async function verifyNotUnmarked(directory: string): Promise<void> {
  const parts = [join(directory, 'session', 'open-driver'), join(directory, 'server')];
  const found = await Promise.all(parts.map(async (part) => (await isThere(`${part}.js`)) || isThere(`${part}.ts`)));
  if (found.includes(false)) return;
  throw new UserError(
    'marker-missing',
    `${directory} looks like an environment, but its sessapp.json is missing.`,
    'Restore it from your version control, or write it anew: sessapp init --allow-existing in that directory.',
  );
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false;
    throw error;
  }
}

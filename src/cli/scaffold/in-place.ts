import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode, UserError } from '../../errors.ts';
import { isThere, listNames, lstatIfThere, readJson } from '../../files.ts';
import { BrokenEnvironment, markerName, readMarker } from '../../settings/marker.ts';
import { envFileName } from '../../settings/secrets.ts';
import { linkIfFree } from '../environment/write-file.ts';
import { lockName, withLock } from './directory-lock.ts';
import { moveIfThere, onOtherFileSystem, removeEmptyFolders } from './move.ts';
import type { Plan } from './plan.ts';
import { findLeftovers, removeTree } from './staging.ts';

// An existing directory cannot be created by one rename. Here, the environment exists as soon as its marker does. The next
// run cleans up after an interrupted one: it undoes the steps if there is no marker yet, and completes them if there is.

/** Files and folders that are moved as a whole, because they are not planned files. */
const trees = ['node_modules', '.node/node_modules', '.node/package-lock.json', 'bin/node'];

/** A file in the staging directory: the list of trees to move. A listed tree that is not in staging has been moved. */
const movesName = '.sessapp-moves';

const lockfileName = 'package-lock.json';

/**
 * Moves the environment from `staging`, a directory inside the target, into place.
 * @returns false when another process made an environment there meanwhile
 * @throws UserError when another process is changing the directory, or its files are not those that the plan expects
 */
export async function commitInPlace(plan: Plan, staging: string): Promise<boolean> {
  const { directory } = plan;
  return withLock(directory, async () => {
    if (await readMarker(directory)) return false;
    await verifyAsPlanned(plan);
    try {
      await moveTrees(staging, directory);
      for (const path of await listLinks(plan, staging)) await linkInto(staging, directory, path);
    } catch (error) {
      await rollBack(directory, staging);
      throw error;
    }
    await moveRepository(staging, directory);
    return true;
  });
}

/** True when an `init` in this directory was interrupted, or is running. */
export async function hasUnfinishedInit(directory: string): Promise<boolean> {
  if ((await listNames(directory)).some((name) => name.startsWith(lockName))) return true;
  return (await findLeftovers(directory)).length > 0;
}

/**
 * Waits for an `init` that is changing this directory. Undoes or completes an interrupted one.
 * @throws UserError when the process that is changing the directory does not end
 */
export async function recover(directory: string): Promise<void> {
  if (!(await hasUnfinishedInit(directory))) return;
  await withLock(directory, async () => {
    const isWhole = await isThere(join(directory, markerName));
    for (const staging of await findLeftovers(directory)) {
      await (isWhole ? moveRepository(staging, directory) : rollBack(directory, staging));
      await removeTree(staging);
    }
  });
}

// The user may have changed files while the dependencies were being installed, after the plan was made.
async function verifyAsPlanned({ directory, kept }: Plan): Promise<void> {
  for (const path of kept)
    if (!(await isThere(join(directory, path)))) throw changedMeanwhile(directory, path, 'was deleted');
}

function changedMeanwhile(directory: string, path: string, what: 'was created' | 'was deleted'): UserError {
  return new UserError(
    'changed-meanwhile',
    `${join(directory, path)} ${what} while the environment was being made.`,
    'Run the same command again.',
  );
}

async function moveTrees(staging: string, directory: string): Promise<void> {
  const moves: string[] = [];
  for (const tree of trees) {
    if ((await isThere(join(staging, tree))) && !(await isThere(join(directory, tree)))) moves.push(tree);
  }
  await writeFile(join(staging, movesName), JSON.stringify(moves));
  for (const tree of moves) await moveIfThere(join(staging, tree), join(directory, tree));
}

// npm made a lockfile if an existing package.json had none. The marker is the last path.
async function listLinks({ directory, files }: Plan, staging: string): Promise<string[]> {
  const paths = files.map(({ path }) => path);
  const isMade = !paths.includes(lockfileName) && !(await isThere(join(directory, lockfileName)));
  return isMade && (await isThere(join(staging, lockfileName))) ? [lockfileName, ...paths] : paths;
}

async function linkInto(staging: string, directory: string, path: string): Promise<void> {
  const [from, to] = [join(staging, path), join(directory, path)];
  await mkdir(dirname(to), { recursive: true });
  const isLinked = await linkIfFree(from, to).catch((error: unknown) => {
    throw hasCode(error, 'EXDEV') ? onOtherFileSystem(from, to) : error;
  });
  if (!isLinked) throw changedMeanwhile(directory, path, 'was created');
}

// Runs after the marker is in place, so that the next run never undoes this step: the user may have committed meanwhile.
async function moveRepository(staging: string, directory: string): Promise<void> {
  const isOurs = await isSameFile(join(staging, markerName), join(directory, markerName));
  if (isOurs && !(await isThere(join(directory, '.git'))))
    await moveIfThere(join(staging, '.git'), join(directory, '.git'));
}

// Moves everything that came from this staging directory back to it. All else stays.
async function rollBack(directory: string, staging: string): Promise<void> {
  const paths = await readLinks(staging);
  for (const path of paths) {
    if (await isSameFile(join(staging, path), join(directory, path))) await rm(join(directory, path));
  }
  // If the list is missing or incomplete, the process was killed before it moved anything.
  const moves = (await readJson<string[]>(join(staging, movesName))) ?? [];
  for (const tree of moves) {
    if (!(await isThere(join(staging, tree)))) await moveIfThere(join(directory, tree), join(staging, tree));
  }
  await removeEmptyFolders(directory, [...paths, ...moves]);
}

async function readLinks(staging: string): Promise<string[]> {
  try {
    const staged = await readMarker(staging);
    return staged ? [...Object.keys(staged.files), envFileName, lockfileName, markerName] : [];
  } catch (error) {
    // The process was killed while it wrote the marker: nothing has been linked.
    if (error instanceof BrokenEnvironment && error.code === 'marker-damaged') return [];
    throw error;
  }
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([lstatIfThere(a), lstatIfThere(b)]);
  return first !== undefined && first.ino === second?.ino && first.dev === second.dev;
}

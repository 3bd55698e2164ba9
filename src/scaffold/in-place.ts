import { link, lstat, mkdir, readdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { acquireLock, type Lock, releaseLock } from '../environment/lock.ts';
import { type Marker, markerName, readMarker } from '../environment/marker.ts';
import { hasCode, UserError } from '../errors.ts';
import { isThere } from './existing.ts';
import { type Plan, sha256 } from './plan.ts';
import { findLeftovers, removeTree } from './staging.ts';

// A directory that is there cannot be had by one rename. Its environment exists from the moment the marker is in it:
// what an interrupted attempt did before that moment is undone, what it left to do after is done, by the next run.

const lockName = '.sessapp-lock';
const oldName = '.sessapp-old';
/** Names the staging directory that a `node_modules` came from, until the marker is there. */
const stampName = '.sessapp-staging';
/** What is moved as a whole, because it is not made of planned files. */
const trees = [
  'node_modules',
  join('.node', 'node_modules'),
  join('.node', 'package-lock.json'),
  join('bin', 'node'),
  '.git',
];

const ownNode = join('.node', 'package.json');

/**
 * Moves what was built in `staging`, a directory inside the target, to its place.
 * @returns false when another process made an environment there meanwhile
 * @throws UserError when another process is doing so right now
 */
export async function commitInPlace(plan: Plan, staging: string): Promise<boolean> {
  const { directory } = plan;
  return withLock(directory, async () => {
    if (plan.action === 'fill' && (await readMarker(directory))) return false;
    try {
      if (plan.action === 'clear') await setOldAside(directory);
      await moveTrees(staging, directory);
      for (const { path } of plan.files) await linkInto(staging, directory, path);
    } catch (error) {
      await rollBack(directory, staging);
      throw error;
    }
    await finish(directory);
    return true;
  });
}

/**
 * Undoes, or ends, what an interrupted `init` began in this directory; does nothing where there is nothing.
 * @throws UserError when the process that began it is still at work
 */
export async function recover(directory: string): Promise<void> {
  const leftovers = await findLeftovers(directory);
  if (leftovers.length === 0 && !(await isThere(join(directory, oldName)))) return;
  await withLock(directory, async () => {
    if (await isThere(join(directory, markerName))) await finish(directory);
    else for (const staging of leftovers) await rollBack(directory, staging);
    await restoreOld(directory);
    for (const leftover of leftovers) await removeTree(leftover);
  });
}

async function withLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const lock = join(directory, lockName);
  const holder = await acquireLock(lock, {});
  if (holder) throw busy(directory, holder);
  try {
    return await work();
  } finally {
    await releaseLock(lock);
  }
}

function busy(directory: string, { owner }: Lock): UserError {
  return new UserError(
    'busy',
    `Another sessapp (process ${owner.pid}) is making an environment in ${directory}.`,
    'Wait until it has ended, then run the same command again.',
  );
}

// The marker goes first: from here until the new one is linked this is no environment.
async function setOldAside(directory: string): Promise<void> {
  const marker = await readMarker(directory);
  const old = join(directory, oldName);
  await mkdir(old);
  const paths = [markerName, ...Object.keys(marker?.files ?? {}), ...trees.filter((tree) => tree !== '.git')];
  for (const path of paths) await moveIfThere(join(directory, path), join(old, path));
}

async function moveTrees(staging: string, directory: string): Promise<void> {
  for (const tree of trees) {
    const from = join(staging, tree);
    if (!(await isThere(from)) || (await isThere(join(directory, tree)))) continue;
    if (tree === 'node_modules') await link(join(staging, markerName), join(from, stampName));
    await moveIfThere(from, join(directory, tree));
  }
}

async function linkInto(staging: string, directory: string, path: string): Promise<void> {
  await mkdir(dirname(join(directory, path)), { recursive: true });
  try {
    await link(join(staging, path), join(directory, path));
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    throw new UserError(
      'changed-meanwhile',
      `${join(directory, path)} appeared while the environment was made.`,
      'Run the same command again.',
    );
  }
}

/** The environment is there: what it replaced goes, but for what a person had changed. */
async function finish(directory: string): Promise<void> {
  await rm(join(directory, 'node_modules', stampName), { force: true });
  const old = join(directory, oldName);
  const marker = await readMarker(old);
  if (!marker) return;
  const changed = await findChanged(old, marker);
  const backup = join(directory, `replaced-${timestamp()}`);
  for (const path of changed) await moveIfThere(join(old, path), join(backup, path));
  await removeTree(old);
}

/** The generated files that are no longer as `init` wrote them. */
export async function findChanged(directory: string, marker: Marker): Promise<string[]> {
  const changed: string[] = [];
  for (const [path, hash] of Object.entries(marker.files)) {
    const content = await readFile(join(directory, path), 'utf8').catch((error: unknown) => {
      if (hasCode(error, 'ENOENT', 'EISDIR', 'ENOTDIR')) return undefined;
      throw error;
    });
    if (content !== undefined && sha256(content) !== hash) changed.push(path);
  }
  return changed;
}

// What came from the staging directory is recognised by its inode; everything else stays.
async function rollBack(directory: string, staging: string): Promise<void> {
  const staged = await readdir(staging, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  });
  const inner = staged
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(staging.length + 1));
  if (await isSameFile(join(staging, ownNode), join(directory, ownNode))) {
    await removeTree(join(directory, dirname(ownNode)));
    await rm(join(directory, 'bin', 'node'), { force: true });
  }
  for (const path of inner) {
    if (await isSameFile(join(staging, path), join(directory, path))) await rm(join(directory, path));
  }
  if (await isSameFile(join(staging, markerName), join(directory, 'node_modules', stampName))) {
    await removeTree(join(directory, 'node_modules'));
  }
  await removeEmptyFolders(directory, inner);
  await restoreOld(directory);
}

async function removeEmptyFolders(directory: string, paths: string[]): Promise<void> {
  const folders = new Set(paths.map(dirname).filter((folder) => folder !== '.'));
  for (const folder of [...folders].sort().reverse()) {
    try {
      await rmdir(join(directory, folder));
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'ENOTDIR')) throw error;
    }
  }
}

async function restoreOld(directory: string): Promise<void> {
  const old = join(directory, oldName);
  const marker = await readMarker(old);
  if (!marker) return;
  for (const path of [...trees, ...Object.keys(marker.files), markerName]) {
    if (!(await isThere(join(directory, path)))) await moveIfThere(join(old, path), join(directory, path));
  }
  await removeTree(old);
}

async function moveIfThere(from: string, to: string): Promise<void> {
  if (!(await isThere(from))) return;
  await mkdir(dirname(to), { recursive: true });
  await rename(from, to);
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  if (!(await isThere(a)) || !(await isThere(b))) return false;
  const [first, second] = await Promise.all([lstat(a), lstat(b)]);
  return first.ino === second.ino && first.dev === second.dev;
}

function timestamp(): string {
  return new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-');
}

import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { withLock } from '../scaffold/directory-lock.ts';

// An upgrade is prepared in a staging folder, which is then renamed to `.sessapp/next`. This rename commits the upgrade: if
// the process is killed afterwards, the next command completes it. The replaced files go into the subfolder `former`. At the
// end, the whole folder is renamed to `.sessapp/previous`. Undo performs the same steps with the folder `former`.

const filesFolder = 'files';
const treeName = 'node_modules';
const swapName = 'swap.json';
const formerName = 'former';

/** The changes of an upgrade. Each path is relative to the environment, with `/`. */
export interface Swap {
  /** The version of sessapp after these changes. */
  version: string;
  /** The store in `sessapp.json`. Undo is refused if it has changed since, because it would switch back to the old store. */
  store: string;
  /** Files to move into place. All are in the folder. */
  put: string[];
  /** Files to remove. */
  remove: string[];
  /** The folder has a node_modules to move into place. */
  tree: boolean;
}

/** The folder with the state before the last upgrade, if there was one. */
export function formerFolder(directory: string): string {
  return join(previousFolder(directory), formerName);
}

function previousFolder(directory: string): string {
  return join(directory, '.sessapp', 'previous');
}

function nextFolder(directory: string): string {
  return join(directory, '.sessapp', 'next');
}

/** True when an upgrade is committed but not complete. */
export function isSwapUnfinished(directory: string): boolean {
  return existsSync(nextFolder(directory));
}

/** Completes an upgrade that was committed and then killed. Does nothing if there is none. */
export async function recoverUpgrade(directory: string): Promise<void> {
  if (isSwapUnfinished(directory)) await withLock(directory, async () => finishSwap(directory));
}

/** The path of a prepared file in the folder. */
export function stagedFile(folder: string, path: string): string {
  return join(folder, filesFolder, path);
}

/** Undefined when the folder has no swap. */
export function readSwap(folder: string): Swap | undefined {
  const path = join(folder, swapName);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Swap) : undefined;
}

/**
 * Moves the prepared files into place. The replaced files become the former state.
 * @param folder inside the environment, with `files`, and with `node_modules` if `swap.tree` is true
 */
export function commitSwap(directory: string, folder: string, swap: Swap): void {
  writeFileSync(join(folder, swapName), JSON.stringify(swap));
  mkdirSync(dirname(nextFolder(directory)), { recursive: true });
  renameSync(folder, nextFolder(directory));
  finishSwap(directory);
}

/** Completes a swap that `commitSwap` began, if any. All steps are idempotent. */
export function finishSwap(directory: string): void {
  const next = nextFolder(directory);
  const swap = readSwap(next);
  if (!swap) return;
  const former = join(next, formerName);
  mkdirSync(former, { recursive: true });
  if (swap.tree) exchangeTree(join(next, treeName), join(directory, treeName), join(former, treeName));
  for (const path of swap.put) exchangeFile(stagedFile(next, path), join(directory, path), stagedFile(former, path));
  for (const path of swap.remove) moveIfThere(join(directory, path), stagedFile(former, path));
  removeEmptyFolders(directory, swap.remove);
  writeFileSync(join(former, swapName), JSON.stringify(describeReverse(swap, former)));
  const previous = previousFolder(directory);
  const replaced = join(next, 'replaced');
  if (existsSync(previous)) renameSync(previous, replaced);
  renameSync(next, previous);
  rmSync(join(previous, 'replaced'), { recursive: true, force: true });
}

function removeEmptyFolders(directory: string, paths: string[]): void {
  const folders = paths.flatMap((path) => listFolders(dirname(path)));
  for (const folder of [...new Set(folders)].sort().reverse()) {
    const path = join(directory, folder);
    if (existsSync(path) && readdirSync(path).length === 0) rmdirSync(path);
  }
}

/** For `a/b`: `a/b` and `a`. */
function listFolders(folder: string): string[] {
  return folder === '.' ? [] : [folder, ...listFolders(dirname(folder))];
}

/** The swap that restores the former state. */
function describeReverse({ put, remove, tree, store }: Swap, former: string): Swap {
  const there = (path: string): boolean => existsSync(stagedFile(former, path));
  const version = existsSync(stagedFile(former, 'sessapp.json')) ? readVersion(former) : '';
  return {
    ...{ version, store, tree: tree && existsSync(join(former, treeName)) },
    put: [...put, ...remove].filter(there),
    remove: put.filter((path) => !there(path)),
  };
}

function readVersion(former: string): string {
  return (JSON.parse(readFileSync(stagedFile(former, 'sessapp.json'), 'utf8')) as { sessapp: string }).sessapp;
}

// Between two renames, the folder does not exist. If the process was killed then, npm may have made a new one since.
function exchangeTree(staged: string, place: string, aside: string): void {
  if (!existsSync(staged)) return;
  if (existsSync(aside)) rmSync(place, { recursive: true, force: true });
  moveIfThere(place, aside);
  renameSync(staged, place);
}

// The file exists at every moment: the old one or the new one.
function exchangeFile(staged: string, place: string, aside: string): void {
  if (!existsSync(staged)) return;
  if (existsSync(place) && !existsSync(aside)) {
    mkdirSync(dirname(aside), { recursive: true });
    linkSync(place, aside);
  }
  mkdirSync(dirname(place), { recursive: true });
  renameSync(staged, place);
}

function moveIfThere(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(dirname(to), { recursive: true });
  renameSync(from, to);
}

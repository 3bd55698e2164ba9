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

// An upgrade is prepared in a folder of its own, which is then renamed to `.sessapp/next`: from that moment on it counts,
// and whatever is left of it to be done is done by the next command, also when this process is killed at any instant. What
// it takes the place of goes into its folder `former`; at the end all of it is renamed to `.sessapp/previous`. To undo it,
// the same steps are taken with the folder `former`.

const filesFolder = 'files';
const treeName = 'node_modules';
const swapName = 'swap.json';
const formerName = 'former';

/** What is exchanged. Each path is in the environment, with `/`. */
export interface Swap {
  /** The version of sessapp that it brings. */
  version: string;
  /** Its name in `sessapp.json`: undoing must not take the sessions to another store. */
  store: string;
  /** Files to put in place: each is in the folder. */
  put: string[];
  /** Files to take away. */
  remove: string[];
  /** Whether the folder has a node_modules to put in place. */
  tree: boolean;
}

/** The state before the last upgrade, if there is one. */
export function formerFolder(directory: string): string {
  return join(previousFolder(directory), formerName);
}

function previousFolder(directory: string): string {
  return join(directory, '.sessapp', 'previous');
}

function nextFolder(directory: string): string {
  return join(directory, '.sessapp', 'next');
}

/** True when an upgrade has begun to take its place and has not come to its end. */
export function isSwapUnfinished(directory: string): boolean {
  return existsSync(nextFolder(directory));
}

/** Ends an upgrade that was killed while it took its place. Nothing is done where there is none. */
export async function recoverUpgrade(directory: string): Promise<void> {
  if (isSwapUnfinished(directory)) await withLock(directory, async () => finishSwap(directory));
}

/** Where a prepared file belongs. */
export function stagedFile(folder: string, path: string): string {
  return join(folder, filesFolder, path);
}

/** Undefined where there is none. */
export function readSwap(folder: string): Swap | undefined {
  const path = join(folder, swapName);
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Swap) : undefined;
}

/**
 * Puts what was prepared in its place; what was there is the former state from now on.
 * @param folder inside the environment, with `files`, and `node_modules` where `swap` says so
 */
export function commitSwap(directory: string, folder: string, swap: Swap): void {
  writeFileSync(join(folder, swapName), JSON.stringify(swap));
  mkdirSync(dirname(nextFolder(directory)), { recursive: true });
  renameSync(folder, nextFolder(directory));
  finishSwap(directory);
}

/** Ends what `commitSwap` began, if anything. Each step can be done twice. */
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

/** `a/b` is in `a/b` and `a`. */
function listFolders(folder: string): string[] {
  return folder === '.' ? [] : [folder, ...listFolders(dirname(folder))];
}

/** What brings the state before back. */
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

// Of a folder there is nothing for an instant; npm may have made another one since this process was killed at that instant.
function exchangeTree(staged: string, place: string, aside: string): void {
  if (!existsSync(staged)) return;
  if (existsSync(aside)) rmSync(place, { recursive: true, force: true });
  moveIfThere(place, aside);
  renameSync(staged, place);
}

// A file is there at every instant, the one before or the next one.
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

import { createHash } from 'node:crypto';
import {
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { sha256 as hashOf } from '../hash.ts';

// Synchronous calls, and templates instead of path.join(): for a thousand small files, asynchronous calls took three times as
// long, and path.join() added 5%.

/** One file, folder or link of a tree. */
export interface Entry {
  /** Relative to the tree, with `/`. A folder comes before its content. */
  path: string;
  /** The mode of the copy, at most 0777. */
  mode: number;
  /** The SHA-256 of a file, in hex. */
  sha256?: string;
  /** The target of a link. */
  target?: string;
}

/** Copies a tree and returns its entries. Each file is read once. */
export function copyAndDescribe(source: string, destination: string): Entry[] {
  const entries: Entry[] = [];
  const visit = (path: string): void => {
    const from = join(source, path);
    const to = join(destination, path);
    const stat = lstatSync(from);
    const mode = stat.mode & 0o777;
    if (stat.isSymbolicLink()) {
      const target = readlinkSync(from);
      symlinkSync(target, to);
      entries.push({ path, mode, target });
    } else if (stat.isDirectory()) {
      mkdirSync(to, { mode });
      entries.push({ path, mode: lstatSync(to).mode & 0o777 });
      for (const name of readdirSync(from).sort()) visit(path === '' ? name : `${path}/${name}`);
    } else {
      const content = readFileSync(from);
      writeFileSync(to, content, { mode, flag: 'wx' });
      entries.push({ path, mode: lstatSync(to).mode & 0o777, sha256: hashOf(content) });
    }
  };
  visit('');
  return entries;
}

/** Copies these entries of a tree, copy-on-write if the file system supports it. */
export async function copyEntries(
  entries: Entry[],
  source: string,
  destination: string,
  cancelSignal?: AbortSignal,
): Promise<void> {
  for (const [index, { path, mode, sha256, target }] of entries.entries()) {
    // Signals, such as that of Ctrl-C, are handled only between turns of the event loop.
    if (index % 50 === 49) await nextTurn();
    cancelSignal?.throwIfAborted();
    const to = `${destination}/${path}`;
    if (target !== undefined) symlinkSync(target, to);
    else if (sha256 === undefined) mkdirSync(to, { mode });
    else copyFileSync(`${source}/${path}`, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  }
}

/** A hash that changes when anything in the tree changes: it includes the ctime of each file, which programs cannot set. */
export function fingerprint(entries: Entry[], tree: string): string {
  const digest = createHash('sha256');
  for (const { path } of entries) {
    const { ino, size, mode, mtimeMs, ctimeMs } = lstatSync(`${tree}/${path}`);
    digest.update(`${path}\n${ino} ${size} ${mode} ${mtimeMs} ${ctimeMs}\n`);
  }
  return digest.digest('hex');
}

/** True when every file, folder and link matches its entry, and the tree contains nothing else. */
export function isIntact(entries: Entry[], tree: string): boolean {
  const paths = readdirSync(tree, { recursive: true });
  return paths.length === entries.length - 1 && entries.every((entry) => isAsDescribed(entry, join(tree, entry.path)));
}

function isAsDescribed({ mode, sha256, target }: Entry, path: string): boolean {
  const stat = lstatSync(path);
  // The mode of a link depends on the system.
  if (target !== undefined) return stat.isSymbolicLink() && readlinkSync(path) === target;
  // A folder may inherit the set-group-ID bit of its parent.
  if (sha256 === undefined) return stat.isDirectory() && (stat.mode & 0o777) === mode;
  return stat.isFile() && (stat.mode & 0o7777) === mode && hashOf(readFileSync(path)) === sha256;
}

/** The total size of the files in bytes. For a file: its own size. */
export function sizeOf(tree: string): number {
  const stat = lstatSync(tree);
  if (!stat.isDirectory()) return stat.size;
  const entries = readdirSync(tree, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.reduce((sum, { parentPath, name }) => sum + lstatSync(join(parentPath, name)).size, 0);
}

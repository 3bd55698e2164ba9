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

// A thousand small files: waiting for each of them on the event loop took three times as long as these calls do, and
// path.join() a twentieth of their time.

/** One file, folder or link of a tree. */
export interface Entry {
  /** In the tree, with `/`. A folder comes before what is in it. */
  path: string;
  /** As the copy has it, 0777 at most. */
  mode: number;
  /** A file's SHA-256, in hex. */
  sha256?: string;
  /** Where a link leads. */
  target?: string;
}

/** Copies a tree, and says what is in it. Both are read once. */
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

/** Copies these entries of a tree: by sharing blocks until one side is written, where the file system can. */
export async function copyEntries(
  entries: Entry[],
  source: string,
  destination: string,
  cancelSignal?: AbortSignal,
): Promise<void> {
  for (const [index, { path, mode, sha256, target }] of entries.entries()) {
    // A signal, such as Ctrl-C, is heard between two turns of the event loop.
    if (index % 50 === 49) await nextTurn();
    cancelSignal?.throwIfAborted();
    const to = `${destination}/${path}`;
    if (target !== undefined) symlinkSync(target, to);
    else if (sha256 === undefined) mkdirSync(to, { mode });
    else copyFileSync(`${source}/${path}`, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  }
}

/** A text that changes when anything in the tree does: the times of change are the system's own, and nobody sets them. */
export function fingerprint(entries: Entry[], tree: string): string {
  const digest = createHash('sha256');
  for (const { path } of entries) {
    const { ino, size, mode, mtimeMs, ctimeMs } = lstatSync(`${tree}/${path}`);
    digest.update(`${path}\n${ino} ${size} ${mode} ${mtimeMs} ${ctimeMs}\n`);
  }
  return digest.digest('hex');
}

/** Whether each file, folder and link is what it is said to be, and there is nothing else. */
export function isIntact(entries: Entry[], tree: string): boolean {
  const paths = readdirSync(tree, { recursive: true });
  return paths.length === entries.length - 1 && entries.every((entry) => isAsDescribed(entry, join(tree, entry.path)));
}

function isAsDescribed({ mode, sha256, target }: Entry, path: string): boolean {
  const stat = lstatSync(path);
  // The system gives links their modes.
  if (target !== undefined) return stat.isSymbolicLink() && readlinkSync(path) === target;
  // A folder may have the set-group-ID bit from the one that it is in.
  if (sha256 === undefined) return stat.isDirectory() && (stat.mode & 0o777) === mode;
  return stat.isFile() && (stat.mode & 0o7777) === mode && hashOf(readFileSync(path)) === sha256;
}

/** The bytes of its files; its own where it is no folder. */
export function sizeOf(tree: string): number {
  const stat = lstatSync(tree);
  if (!stat.isDirectory()) return stat.size;
  const entries = readdirSync(tree, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.reduce((sum, { parentPath, name }) => sum + lstatSync(join(parentPath, name)).size, 0);
}

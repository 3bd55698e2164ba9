import type { Stats } from 'node:fs';
import { lstat, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, notTheOwner, orUndefined, UserError } from './errors.ts';

/** The `Stats` of the file, directory or link at a path; undefined when there is none. A link is not followed. */
export async function lstatIfThere(path: string): Promise<Stats | undefined> {
  return orUndefined(lstat(path), 'ENOENT', 'ENOTDIR');
}

export async function isThere(path: string): Promise<boolean> {
  return (await lstatIfThere(path)) !== undefined;
}

/**
 * Reads a file; undefined when it is missing.
 * @param more further error codes that count as missing, such as EACCES
 */
export async function readTextIfThere(path: string, ...more: string[]): Promise<string | undefined> {
  return orUndefined(readFile(path, 'utf8'), 'ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', ...more);
}

/** Undefined for a file that is missing or damaged, because the remedy is the same. */
export async function readJson<T>(path: string, ...more: string[]): Promise<T | undefined> {
  return parseJson<T>(await readTextIfThere(path, ...more));
}

/** Undefined for `null`, and for what is not JSON. */
export function parseJson<T>(text = 'null'): T | undefined {
  try {
    return JSON.parse(text) ?? undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The names in a directory. Empty when the path is missing, is not a directory, or cannot be read by this user. */
export async function listNames(directory: string): Promise<string[]> {
  return (await orUndefined(readdir(directory), 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) ?? [];
}

/** The failure for a path that is closed to this user because of its owner; undefined when it has another cause. */
export async function explainClosed(path: string): Promise<UserError | undefined> {
  const found = await orUndefined(stat(path), 'ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'EPERM');
  // Missing, or in a directory that this user cannot enter.
  if (!found) return dirname(path) === path ? undefined : explainClosed(dirname(path));
  return process.getuid && process.getuid() !== found.uid ? notTheOwner(path, found.uid) : undefined;
}

/** How many times to try while other processes remove the parent directory. */
const attempts = 5;

/**
 * Creates a directory and its missing parents, as `mkdir -p` does. Other processes may create or remove the same directories at
 * the same time. Do not use `recursive` of Node.js's `mkdir`: it never returns when the system reports ENOENT in a directory
 * that exists, such as /proc.
 * @returns the topmost directory that this process created; undefined when it created none
 * @throws UserError when the system refuses without giving a reason
 */
export async function makeDirectory(directory: string, mode = 0o777): Promise<string | undefined> {
  const parent = dirname(directory);
  let top: string | undefined;
  for (let attempt = 0; attempt < attempts; attempt++) {
    try {
      await mkdir(directory, mode);
      return top ?? directory;
    } catch (error) {
      if (hasCode(error, 'EEXIST') && (await orUndefined(stat(directory), 'ENOENT'))?.isDirectory()) return top;
      if (!hasCode(error, 'ENOENT') || parent === directory) throw error;
      top = (await makeDirectory(parent, mode)) ?? top;
    }
  }
  throw new UserError('target-refused', `No directory can be made in ${parent}.`, 'Choose a directory elsewhere.');
}

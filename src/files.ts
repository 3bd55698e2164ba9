import type { Stats } from 'node:fs';
import { lstat, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, orUndefined, UserError } from './errors.ts';

/** What is at a path: a file, a folder, or a link, wherever it leads. Undefined when nothing is. */
export async function lstatIfThere(path: string): Promise<Stats | undefined> {
  return orUndefined(lstat(path), 'ENOENT', 'ENOTDIR');
}

export async function isThere(path: string): Promise<boolean> {
  return (await lstatIfThere(path)) !== undefined;
}

/** @param more what else counts as missing, such as EACCES */
export async function readTextIfThere(path: string, ...more: string[]): Promise<string | undefined> {
  return orUndefined(readFile(path, 'utf8'), 'ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', ...more);
}

/** Undefined for a file that is missing or damaged: the remedy is the same. */
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

/** The names in a directory; none where it is missing, closed to this user, or no directory. */
export async function listNames(directory: string): Promise<string[]> {
  return (await orUndefined(readdir(directory), 'ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP')) ?? [];
}

/** How often a parent is made again that other processes remove, before the system is taken at its word. */
const attempts = 5;

/**
 * Makes a directory and its missing parents, as `mkdir -p` does. Node.js's `recursive` never returns where the system
 * answers ENOENT in a directory that exists: /proc.
 * @returns the topmost directory that this process made; other processes may make the same, or remove them
 * @throws UserError where the system refuses for no reason that it names
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

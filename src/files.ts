import type { Stats } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import { orUndefined } from './errors.ts';

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

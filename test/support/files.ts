import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** Describes every path in a directory: mode, and content hash or link target. Equal results mean equal directories. */
export async function snapshot(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  const described = paths.map(async (path) => [relative(directory, path), await describe(path)] as const);
  return Object.fromEntries(await Promise.all(described));
}

async function describe(path: string): Promise<string> {
  const found = await lstat(path);
  const mode = (found.mode & 0o7777).toString(8).padStart(4, '0');
  if (found.isSymbolicLink()) return `link ${await readlink(path)}`;
  return found.isFile() ? `${mode} ${sha256(await readFile(path))}` : `${mode} directory`;
}

export function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

export async function readJson<T = Record<string, unknown>>(...path: string[]): Promise<T> {
  return JSON.parse(await readFile(join(...path), 'utf8')) as T;
}

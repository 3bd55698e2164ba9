import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { hasCode } from '../../errors.ts';

/** Where Node.js finds a package that a file in `from` asks for: its real path. NODE_PATH is left out of account. */
export async function resolvePackage(from: string, name: string): Promise<string | undefined> {
  for (let directory = from; ; directory = dirname(directory)) {
    const found = basename(directory) === 'node_modules' ? undefined : join(directory, 'node_modules', name);
    const real = found === undefined ? undefined : await realpathIfThere(found);
    if (real !== undefined || dirname(directory) === directory) return real;
  }
}

/** @param root a real path, as `path` is one */
export function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
}

export async function realpathIfThere(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG')) return undefined;
    throw error;
  }
}

/** What a package.json or a lockfile holds; an empty object when it is missing or makes no sense. */
export async function readObject(path: string): Promise<Record<string, unknown>> {
  try {
    return asObject(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR') || error instanceof SyntaxError) return {};
    throw error;
  }
}

export function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** `a, b, c and 4 more` */
export function nameSome(names: string[]): string {
  const more = names.length - 3;
  return names.slice(0, 3).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

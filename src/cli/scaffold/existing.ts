import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { orUndefined, UserError } from '../../errors.ts';
import { isThere, lstatIfThere, readJson } from '../../files.ts';
import type { Marker } from '../../settings/marker.ts';
import type { PackageJson } from '../environment/installation.ts';
import { sha256 } from './hash.ts';

/**
 * Returns the paths that already exist. Their files stay unchanged.
 * @throws UserError when an existing file or folder cannot be part of an environment
 */
export async function findKept(directory: string, paths: string[]): Promise<string[]> {
  const kept: string[] = [];
  for (const path of paths) {
    await verifyFolders(directory, dirname(path));
    if (!(await isThere(join(directory, path)))) continue;
    await verifyFile(join(directory, path));
    kept.push(path);
  }
  return kept.sort();
}

/**
 * Checks each parent folder of a file.
 * @throws UserError when one is a link: files would be written outside the environment
 */
async function verifyFolders(directory: string, folder: string): Promise<void> {
  if (folder === '.') return;
  await verifyFolders(directory, dirname(folder));
  const path = join(directory, folder);
  const found = await lstatIfThere(path);
  if (!found || found.isDirectory()) return;
  throw new UserError(
    'folder-conflict',
    `${path} is ${found.isSymbolicLink() ? 'a link' : 'not a directory'}, but an environment needs a directory with this name.`,
    'Rename it, or make the environment in another directory.',
  );
}

// A link to a file is allowed: for example, several projects may share one .gitignore.
async function verifyFile(path: string): Promise<void> {
  const found = await orUndefined(stat(path), 'ENOENT', 'ENOTDIR', 'ELOOP');
  if (found?.isFile()) return;
  throw new UserError(
    'file-conflict',
    `${path} is not a file, but an environment needs a file with this name.`,
    'Rename it, or make the environment in another directory.',
  );
}

/**
 * Checks that an existing package.json has the entries that an environment needs.
 * @throws UserError with the entries to add
 */
export async function verifyPackage(directory: string, needed: PackageJson): Promise<void> {
  const existing: PackageJson & { type?: string } = (await readJson(join(directory, 'package.json'))) ?? {};
  const missing = Object.entries(needed.dependencies ?? {}).filter(
    ([name]) => existing.dependencies?.[name] === undefined,
  );
  const settings = [
    ...(existing.type === 'module' ? [] : ['type=module']),
    ...missing.map(([name, range]) => `dependencies.${name}=${range}`),
  ];
  if (settings.length === 0) return;
  throw new UserError(
    'package-json-conflict',
    `${join(directory, 'package.json')} already exists, but does not have ${missing.length === 0 ? '"type": "module"' : 'all packages that an environment needs'}.`,
    `Type there: npm pkg set ${settings.join(' ')}; or make the environment in another directory.`,
  );
}

/**
 * The existing files whose content differs from the generated content.
 * @param hashes of the generated content, as in a marker
 */
export async function findChanged(directory: string, hashes: Marker['files']): Promise<string[]> {
  const changed: string[] = [];
  for (const [path, hash] of Object.entries(hashes)) {
    if (await isChanged(join(directory, path), hash)) changed.push(path);
  }
  return changed;
}

async function isChanged(path: string, hash: string): Promise<boolean> {
  const found = await lstatIfThere(path);
  return found !== undefined && (!found.isFile() || sha256(await readFile(path)) !== hash);
}

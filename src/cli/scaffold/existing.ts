import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { orUndefined, UserError } from '../../errors.ts';
import { isThere, lstatIfThere, readJson } from '../../files.ts';
import type { Marker } from '../../settings/marker.ts';
import type { PackageJson } from '../environment/installation.ts';
import { sha256 } from './hash.ts';

/**
 * The paths among `paths` that are there: they stay as they are.
 * @throws UserError when what exists could not work as a part of an environment
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
 * Looks at each folder on the way to a file.
 * @throws UserError when one of them is a link, through which files would be written outside of the environment
 */
async function verifyFolders(directory: string, folder: string): Promise<void> {
  if (folder === '.') return;
  await verifyFolders(directory, dirname(folder));
  const path = join(directory, folder);
  const found = await lstatIfThere(path);
  if (!found || found.isDirectory()) return;
  throw new UserError(
    'folder-conflict',
    `${path} exists and is ${found.isSymbolicLink() ? 'a link' : 'no directory'}; an environment has files in a directory of that name.`,
    'Rename it, or make the environment in another directory.',
  );
}

// A link to a file is as good as one: a person may keep several projects' .gitignore, say, in one place.
async function verifyFile(path: string): Promise<void> {
  const found = await orUndefined(stat(path), 'ENOENT', 'ENOTDIR', 'ELOOP');
  if (found?.isFile()) return;
  throw new UserError(
    'file-conflict',
    `${path} exists and is no file; an environment has a file of that name.`,
    'Rename it, or make the environment in another directory.',
  );
}

/**
 * A package.json that stays must list what an environment needs.
 * @throws UserError with what to add to it
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
    `${join(directory, 'package.json')} exists, and an environment needs ${missing.length === 0 ? '"type": "module" in it' : 'packages that it does not list'}.`,
    `Type there: npm pkg set ${settings.join(' ')}; or make the environment in another directory.`,
  );
}

/**
 * The files that are there and are not what they were written as.
 * @param hashes as in a marker
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

import { readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { StartError } from './start-error.ts';

interface Manifest {
  dependencies?: Record<string, string>;
}

interface Lockfile {
  packages?: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean; peer?: boolean }>;
}

/**
 * Node.js looks for a missing package in the directories above, and in NODE_PATH; this server takes nothing from there.
 * @throws StartError when a dependency, or a dependency's own, is not in the environment
 */
export async function verifyIsolation(directory: string): Promise<void> {
  const inside = `${await realpath(directory)}${sep}`;
  for (const path of await listPackages(directory)) {
    const found = await realpathIfThere(join(directory, path));
    if (found?.startsWith(inside)) continue;
    const where = found === undefined ? '' : `: it is at ${found}`;
    throw new StartError(
      'outside',
      `The package ${path.replace(/^.*node_modules\//, '')} is not in this environment${where}.`,
      'Install what the lockfile says: sessapp install, or npm ci --ignore-scripts',
    );
  }
}

/** Where each package belongs, relative to the environment. */
async function listPackages(directory: string): Promise<string[]> {
  const manifest = await readJson<Manifest>(join(directory, 'package.json'));
  const lockfile = await readJson<Lockfile>(join(directory, 'package-lock.json'));
  const direct = Object.keys(manifest.dependencies ?? {}).map((name) => `node_modules/${name}`);
  const locked = Object.entries(lockfile.packages ?? {})
    .filter(([path, { dev, optional, devOptional, peer }]) => path !== '' && !dev && !optional && !devOptional && !peer)
    .map(([path]) => path);
  return [...new Set([...direct, ...locked])];
}

async function readJson<T extends object>(path: string): Promise<T> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {} as T;
    if (error instanceof SyntaxError)
      throw new StartError(
        'json-damaged',
        `${path} is not JSON: ${error.message}.`,
        'Restore it from your version control.',
      );
    throw error;
  }
}

async function realpathIfThere(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

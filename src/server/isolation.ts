import { readFile, realpath } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, sep } from 'node:path';
import { orUndefined, UserError } from '../errors.ts';

/** The error codes of a missing file. */
const missing = ['ENOENT', 'ENOTDIR'];

interface PackageJson {
  dependencies?: Record<string, string>;
}

interface Lockfile {
  packages?: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean; peer?: boolean }>;
}

/**
 * Verifies that the server loads no package from outside the environment. Node.js also looks for packages in parent
 * directories and in NODE_PATH.
 * @throws UserError when a direct or transitive dependency is not in the environment
 */
export async function verifyIsolation(directory: string): Promise<void> {
  const inside = `${await realpath(directory)}${sep}`;
  for (const [path, isOptional] of await listPackages(directory)) {
    const name = path.replace(/^.*node_modules\//, '');
    const own = await orUndefined(realpath(join(directory, path)), ...missing);
    const found = own ?? (isOptional ? await resolveElsewhere(name, directory) : undefined);
    if (found === undefined ? isOptional : found.startsWith(inside)) continue;
    const where = found === undefined ? '' : `: it is at ${found}`;
    throw new UserError(
      'outside',
      `The package ${name} is not in this environment${where}.`,
      'Install the dependencies of the lockfile: sessapp install, or npm ci --ignore-scripts',
    );
  }
}

/** Where Node.js would find a missing package; undefined when nowhere, such as a binary for another platform. */
async function resolveElsewhere(name: string, directory: string): Promise<string | undefined> {
  for (const folder of createRequire(join(directory, 'server.js')).resolve.paths(name) ?? []) {
    // Node.js also skips folders that it may not read.
    const found = await orUndefined(realpath(join(folder, name)), ...missing, 'EACCES');
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The path of each package, relative to the environment, and whether it is optional. */
async function listPackages(directory: string): Promise<Map<string, boolean>> {
  const manifest = await readJson<PackageJson>(join(directory, 'package.json'));
  const lockfile = await readJson<Lockfile>(join(directory, 'package-lock.json'));
  const packages = new Map<string, boolean>();
  for (const [path, { dev, optional, devOptional, peer }] of Object.entries(lockfile.packages ?? {}))
    if (path !== '' && !dev && !devOptional && !peer) packages.set(path, optional === true);
  for (const name of Object.keys(manifest.dependencies ?? {})) packages.set(`node_modules/${name}`, false);
  return packages;
}

async function readJson<T extends object>(path: string): Promise<T> {
  try {
    return JSON.parse((await orUndefined(readFile(path, 'utf8'), 'ENOENT')) ?? '{}') as T;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const fact = `${path} is not JSON: ${error.message}.`;
    throw new UserError('json-damaged', fact, 'Restore it from your version control.');
  }
}

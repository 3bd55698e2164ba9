import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/**
 * Verifies an optional peer dependency before it is imported.
 * @param user the part of sessapp that needs it, for the message
 * @throws Error that names the package and version to install, when it is not installed, or is too old for a store
 */
export function verifyPeer(user: string, name: string): void {
  const own = readOwnPackage();
  if (own === undefined) return;
  const entry = resolvePeer(name);
  if (entry === undefined) throw notInstalled(user, name);
  verifyVersion(user, name, entry, own);
}

/**
 * Imports a module of sessapp that needs an optional peer dependency.
 * @param user the part of sessapp that needs it, for the message
 * @throws Error that names the package and version to install, when it is not installed, or is too old for a store
 */
export async function importPeer<T>(user: string, name: string, load: () => Promise<T>): Promise<T> {
  const own = readOwnPackage();
  const entry = resolvePeer(name);
  if (entry !== undefined && own) verifyVersion(user, name, entry, own);
  try {
    return await load();
  } catch (error) {
    if (entry !== undefined) throw error;
    throw notInstalled(user, name, { cause: error });
  }
}

function notInstalled(user: string, name: string, options?: ErrorOptions): Error {
  const fact = `sessapp needs the package ${name} for ${user}, but it is not installed. Type: npm install ${name}`;
  return new Error(fact, options);
}

function resolvePeer(name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

// An application may have an older version for its own use, so package.json allows these. The stores need the newest range.
function verifyVersion(user: string, name: string, entry: string, { peerDependencies }: PackageJson): void {
  if (name === 'express') return;
  const oldest = peerDependencies?.[name]?.split('^').at(-1) ?? '';
  const version = versionOf(name, dirname(entry));
  if (version === undefined || version.localeCompare(oldest, 'en', { numeric: true }) >= 0) return;
  const [major] = oldest.split('.');
  throw new Error(
    `sessapp needs ${name} ${oldest} or newer for ${user}, but ${version} is installed. Type: npm install ${name}@${major}`,
  );
}

interface PackageJson {
  name?: string;
  version?: string;
  peerDependencies?: Record<string, string>;
}

/** Undefined when a bundler has put this code into a file of the application, perhaps with the peer dependency. */
function readOwnPackage(): PackageJson | undefined {
  const found = readIfThere(join(import.meta.dirname, '..', '..'));
  return found?.name === 'sessapp' ? found : undefined;
}

/** The version of the package that contains this directory. */
function versionOf(name: string, directory: string): string | undefined {
  const found = readIfThere(directory);
  if (found?.name === name) return found.version;
  return dirname(directory) === directory ? undefined : versionOf(name, dirname(directory));
}

function readIfThere(directory: string): PackageJson | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as PackageJson;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

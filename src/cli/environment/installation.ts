import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../../files.ts';

/** The fields of package.json that sessapp reads or writes. */
export interface PackageJson {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  overrides?: Record<string, string>;
  scripts?: Record<string, string>;
  engines?: Record<string, string>;
  /** npm's list of the packages that may run their install scripts. */
  allowScripts?: Record<string, boolean>;
}

/** package-lock.json, or npm's list of installed packages, which has the same format. */
export interface Lockfile {
  name: string;
  lockfileVersion: number;
  requires: boolean;
  packages: Record<string, LockedPackage>;
}

export interface LockedPackage extends PackageJson {
  name?: string;
  version?: string;
  integrity?: string;
  /** The source: `file:` and a path for the carried package. */
  resolved?: string;
  /** The package is a link to the folder in `resolved`. */
  link?: boolean;
  inBundle?: boolean;
  hasInstallScript?: boolean;
  optional?: boolean;
  dev?: boolean;
  devOptional?: boolean;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

/** npm's files about an environment's packages. Undefined: missing or damaged, which have the same remedy. */
export interface Installation {
  directory: string;
  /** package.json */
  packageJson: PackageJson | undefined;
  /** package-lock.json */
  lockfile: Partial<Lockfile> | undefined;
  /** node_modules/.package-lock.json, npm's list of installed packages */
  installed: Partial<Lockfile> | undefined;
}

export interface Difference {
  /** The path of the package, such as `node_modules/express`. */
  path: string;
  how: 'missing' | 'changed' | 'extra';
}

export async function readInstallation(directory: string): Promise<Installation> {
  const [packageJson, lockfile, installed] = await Promise.all([
    readJson<PackageJson>(join(directory, 'package.json')),
    readJson<Lockfile>(join(directory, 'package-lock.json')),
    readJson<Lockfile>(join(directory, 'node_modules', '.package-lock.json')),
  ]);
  return { directory, packageJson, lockfile, installed };
}

/** False for a package.json that lacks sessapp: npm wrote it after the environment's own was lost. */
export function isOfEnvironment(packageJson: PackageJson | undefined): boolean {
  return packageJson?.dependencies?.sessapp !== undefined;
}

/**
 * Compares npm's list of installed packages with the lockfile.
 * @param readEach also read the version in each package, which takes milliseconds and finds changes made without npm
 */
export async function findDifferences(
  { directory, lockfile, installed }: Installation,
  { readEach = false } = {},
): Promise<Difference[]> {
  const locked = lockfile?.packages ?? {};
  const listed = installed?.packages ?? {};
  const found: Difference[] = [];
  for (const [path, wanted] of Object.entries(locked)) {
    if (path === '') continue;
    const how = compareListed(join(directory, path), wanted, listed[path]);
    if (how) found.push({ path, how });
    else if (readEach && !(await hasVersion(join(directory, path), wanted))) found.push({ path, how: 'changed' });
  }
  const extra = Object.keys(listed).filter((path) => locked[path] === undefined);
  return [...found, ...extra.map((path): Difference => ({ path, how: 'extra' }))];
}

function compareListed(
  folder: string,
  wanted: LockedPackage,
  listed: LockedPackage | undefined,
): Difference['how'] | undefined {
  if (!listed) return mayBeMissing(wanted) ? undefined : 'missing';
  if (!existsSync(folder)) return 'missing';
  return listed.version === wanted.version && listed.integrity === wanted.integrity ? undefined : 'changed';
}

// The server does not need these packages. `npm ci --omit=dev` leaves out development dependencies.
function mayBeMissing({ optional, dev, devOptional }: LockedPackage): boolean {
  return Boolean(optional || dev || devOptional);
}

// True for a missing folder: only packages that may be missing get here without one.
async function hasVersion(folder: string, { version }: LockedPackage): Promise<boolean> {
  if (version === undefined || !existsSync(folder)) return true;
  return (await readJson<LockedPackage>(join(folder, 'package.json')))?.version === version;
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../../files.ts';

/** The parts of a package.json that make an environment what it is. */
export interface PackageJson {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  overrides?: Record<string, string>;
  scripts?: Record<string, string>;
  engines?: Record<string, string>;
  /** npm's: which packages may run their install scripts. */
  allowScripts?: Record<string, boolean>;
}

/** package-lock.json, and npm's list of what it installed. */
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
  /** Where it comes from: `file:` and a path, for one that the environment carries. */
  resolved?: string;
  /** npm made a link to the folder that `resolved` names. */
  link?: boolean;
  inBundle?: boolean;
  hasInstallScript?: boolean;
  optional?: boolean;
  dev?: boolean;
  devOptional?: boolean;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

/** What npm keeps of an environment's packages. A file that is missing or damaged is undefined: the remedy is the same. */
export interface Installation {
  directory: string;
  /** package.json */
  packageJson: PackageJson | undefined;
  /** package-lock.json */
  lockfile: Partial<Lockfile> | undefined;
  /** What npm says it installed. */
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

/**
 * Which packages are not what the lockfile says, by npm's own list of what it installed.
 * @param readEach reads the version in each package too, which takes milliseconds, and finds changes made without npm
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

// The server needs none of these, and `npm ci --omit=dev` leaves out what is only for development.
function mayBeMissing({ optional, dev, devOptional }: LockedPackage): boolean {
  return Boolean(optional || dev || devOptional);
}

// One that is missing may be: it is not of another version.
async function hasVersion(folder: string, { version }: LockedPackage): Promise<boolean> {
  if (version === undefined || !existsSync(folder)) return true;
  return (await readJson<LockedPackage>(join(folder, 'package.json')))?.version === version;
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson } from '../../files.ts';

/** What npm keeps of an environment's packages. A file that is missing or damaged is undefined: the remedy is the same. */
export interface Installation {
  directory: string;
  /** package.json */
  manifest: Ranges | undefined;
  /** package-lock.json */
  lockfile: Lockfile | undefined;
  /** What npm says it installed. */
  installed: Lockfile | undefined;
}

export interface Ranges {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

export interface Lockfile {
  packages?: Record<string, Locked & Ranges>;
}

interface Locked {
  version?: string;
  /** Where it comes from: `file:` and a path, for one that the environment carries. */
  resolved?: string;
  integrity?: string;
  optional?: boolean;
  dev?: boolean;
  devOptional?: boolean;
}

export interface Difference {
  /** The path of the package, such as `node_modules/express`. */
  path: string;
  how: 'missing' | 'changed' | 'extra';
}

export async function readInstallation(directory: string): Promise<Installation> {
  const [manifest, lockfile, installed] = await Promise.all([
    readJson<Ranges>(join(directory, 'package.json')),
    readJson<Lockfile>(join(directory, 'package-lock.json')),
    readJson<Lockfile>(join(directory, 'node_modules', '.package-lock.json')),
  ]);
  return { directory, manifest, lockfile, installed };
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

function compareListed(place: string, wanted: Locked, listed: Locked | undefined): Difference['how'] | undefined {
  if (!listed) return mayBeMissing(wanted) ? undefined : 'missing';
  if (!existsSync(place)) return 'missing';
  return listed.version === wanted.version && listed.integrity === wanted.integrity ? undefined : 'changed';
}

// The server needs none of these, and `npm ci --omit=dev` leaves out what is only for development.
function mayBeMissing({ optional, dev, devOptional }: Locked): boolean {
  return Boolean(optional || dev || devOptional);
}

// One that is missing may be: it is not of another version.
async function hasVersion(place: string, { version }: Locked): Promise<boolean> {
  if (version === undefined || !existsSync(place)) return true;
  return (await readJson<Locked>(join(place, 'package.json')))?.version === version;
}

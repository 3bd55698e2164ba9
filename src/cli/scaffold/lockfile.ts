import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LockedPackage, Lockfile, PackageJson } from '../environment/installation.ts';
import { templatesDirectory } from '../package.ts';
import type { CarriedPackage } from './carried.ts';

type Packages = Lockfile['packages'];

/**
 * The lockfile for a generated package.json. The template lockfile has the packages of all templates, stores and languages;
 * this one has only those that the package.json needs.
 */
export function lockfileFor(packageJson: PackageJson & { name: string }, carried: CarriedPackage): Lockfile {
  const { name, dependencies, devDependencies, engines } = packageJson;
  const all = JSON.parse(readFileSync(join(templatesDirectory, 'lockfile.json'), 'utf8')) as Lockfile;
  const root = { name, dependencies, ...(devDependencies && { devDependencies }), engines } as LockedPackage;
  const packages: Packages = { ...all.packages, '': root, 'node_modules/sessapp': lockCarried(carried) };
  return { name, lockfileVersion: all.lockfileVersion, requires: all.requires, packages: keepReachable(packages) };
}

/** The lockfile entry of the carried package, as npm writes it. */
export function lockCarried({ path, integrity, packageJson }: CarriedPackage): LockedPackage {
  const { version, license, dependencies, bin, engines, peerDependencies, peerDependenciesMeta } = packageJson;
  const about = { license, dependencies, bin, engines, peerDependencies, peerDependenciesMeta };
  return { version, resolved: `file:${path}`, integrity, ...about } as LockedPackage;
}

// npm marks packages that only development dependencies need, and packages that are optional.
function keepReachable(packages: Packages): Packages {
  const every = reach(packages, { dev: true, optional: true });
  const needed = reach(packages, { dev: false, optional: false });
  const served = reach(packages, { dev: false, optional: true });
  const certain = reach(packages, { dev: true, optional: false });
  const marks = (path: string): object => {
    if (needed.has(path)) return {};
    if (served.has(path) && certain.has(path)) return { devOptional: true };
    return { ...(!served.has(path) && { dev: true }), ...(!certain.has(path) && { optional: true }) };
  };
  const kept = [...every].sort().map((path) => {
    const { dev: _, optional: __, devOptional: ___, ...entry } = packages[path] as Record<string, unknown>;
    return [path, sortFields({ ...entry, ...marks(path) })];
  });
  return Object.fromEntries(kept) as Packages;
}

interface Edges {
  /** Follow the root's devDependencies. */
  dev: boolean;
  /** Follow optional dependencies. */
  optional: boolean;
}

const firstFields = ['name', 'version', 'resolved', 'integrity'];

// npm's order, so that its next install changes no line: objects come last, with `dependencies` first among them.
function sortFields(entry: object): object {
  const rank = (name: string, value: unknown): number => {
    if (firstFields.includes(name)) return firstFields.indexOf(name);
    if (name === 'dependencies') return 11;
    return typeof value === 'object' && !Array.isArray(value) ? 12 : 10;
  };
  const fields = Object.entries(entry).filter(([, value]) => value !== undefined);
  return Object.fromEntries(fields.sort(([a, x], [b, y]) => rank(a, x) - rank(b, y) || a.localeCompare(b, 'en')));
}

/** The paths of all packages that the root needs, directly or indirectly. */
function reach(packages: Packages, edges: Edges): Set<string> {
  const found = new Set(['']);
  for (const path of found) {
    for (const name of listNeeds(packages[path] ?? {}, { ...edges, dev: edges.dev && path === '' })) {
      const at = resolvePath(packages, path, name);
      if (at !== undefined) found.add(at);
    }
  }
  return found;
}

function listNeeds(entry: LockedPackage, { dev, optional }: Edges): string[] {
  const { dependencies, devDependencies, optionalDependencies = {}, peerDependencies, peerDependenciesMeta } = entry;
  const names = (values: Record<string, string> | undefined): string[] => Object.keys(values ?? {});
  return [
    ...names(dependencies).filter((name) => optional || optionalDependencies[name] === undefined),
    ...(dev ? names(devDependencies) : []),
    ...(optional ? names(optionalDependencies) : []),
    ...names(peerDependencies).filter((name) => !peerDependenciesMeta?.[name]?.optional),
  ];
}

/** The path where Node.js would find a dependency of the package at `from`. */
function resolvePath(packages: Packages, from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
    if (packages[path]) return path;
    if (folder === '') return undefined;
  }
}

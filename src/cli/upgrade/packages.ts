import { join } from 'node:path';
import { UserError } from '../../errors.ts';
import { parseJson, readTextIfThere } from '../../files.ts';
import type { Marker } from '../../settings/marker.ts';
import { isOfEnvironment, type Lockfile, type PackageJson } from '../environment/installation.ts';
import { environmentRanges } from '../package.ts';
import type { CarriedPackage } from '../scaffold/carried.ts';
import { sha256 } from '../scaffold/hash.ts';
import { lockfileFor } from '../scaffold/lockfile.ts';
import { renderJson } from '../scaffold/plan.ts';

export const packageFiles = ['package.json', 'package-lock.json'];

/** The changes to package.json and package-lock.json. */
export interface PackagePlan {
  written: Map<string, string | Buffer>;
  /** npm must update the existing lockfile. */
  needsLock: boolean;
  /** The hashes of both files for sessapp.json. For a file that the user changed, the old hash. */
  hashes: Record<string, string>;
}

type EnvironmentPackage = PackageJson & { name: string; type?: string | undefined };

/** @param rendered the files of a new environment */
export async function planPackages(
  directory: string,
  { files }: Marker,
  rendered: Map<string, string | Buffer>,
  carried: CarriedPackage,
): Promise<PackagePlan> {
  const [text, lockText] = await Promise.all(packageFiles.map((path) => readTextIfThere(join(directory, path))));
  const locked = parseJson<Lockfile>(lockText);
  const ours = JSON.parse(String(rendered.get('package.json'))) as EnvironmentPackage;
  const found = text === undefined ? ours : (parseJson<EnvironmentPackage>(text) ?? fail(directory));
  const before = locked?.packages?.['node_modules/sessapp']?.peerDependencies;
  const merged = merge(found, ours, before ? environmentRanges(before) : oldRanges);
  const packageJson =
    JSON.stringify(merged) === JSON.stringify(found) && text !== undefined ? text : renderJson(merged);
  const isOurs = [text, lockText].every((content, n) => isUnchanged(content, files[packageFiles[n] ?? '']));
  const lock = isOurs ? renderJson(lockfileFor(merged, carried)) : undefined;
  const written = new Map<string, string | Buffer>();
  if (packageJson !== text) written.set('package.json', packageJson);
  if (lock !== undefined && lock !== lockText) written.set('package-lock.json', lock);
  const isLocked = locked?.packages?.['node_modules/sessapp']?.integrity === carried.integrity;
  const hashes = {
    'package.json': isUnchanged(text, files['package.json']) ? sha256(packageJson) : (files['package.json'] ?? ''),
    'package-lock.json': lock === undefined ? (files['package-lock.json'] ?? '') : sha256(lock),
  };
  return { written, needsLock: lock === undefined && (packageJson !== text || !isLocked), hashes };
}

// A missing file counts as unchanged: it is written again.
function isUnchanged(content: string | undefined, generated: string | undefined): boolean {
  return content === undefined || sha256(content) === generated;
}

/** The dependencies of environments in the old format. */
const oldRanges: Record<string, string> = {
  express: '^5.3.0',
  'express-session': '^1.19.0',
  helmet: '^8.3.0',
  lmdb: '^3.5.6',
  pg: '^8.23.1',
  'pg-connection-string': '^2.14.1',
  pino: '^10.4.0',
  redis: '^6.3.1',
};

/**
 * The user's package.json with updated entries for sessapp.
 * @param ranges the version ranges that the previous sessapp wrote, by package. A different range was set by the user, and stays.
 */
function merge(
  found: EnvironmentPackage,
  ours: EnvironmentPackage,
  ranges: Record<string, string>,
): EnvironmentPackage {
  // package.json has the old format, or npm wrote it after the environment's own was lost.
  const isForeign = !isOfEnvironment(found);
  const kept = Object.entries(found.dependencies ?? {}).filter(([name, range]) => {
    const isInOurs = ours.dependencies?.[name] !== undefined;
    // The old format listed the packages of the server, which are now dependencies of sessapp.
    if (isInOurs) return name !== 'sessapp' && range !== ranges[name];
    return !(isForeign && range === oldRanges[name]);
  });
  const dependencies = { ...ours.dependencies, ...Object.fromEntries(kept) };
  return {
    // The files of an environment are ES modules, and npm may have written another type.
    ...(isForeign ? { ...ours, ...found, type: ours.type } : found),
    scripts: { ...ours.scripts, ...found.scripts },
    dependencies: Object.fromEntries(Object.entries(dependencies).sort()),
    ...(ours.devDependencies && { devDependencies: { ...ours.devDependencies, ...found.devDependencies } }),
    ...(ours.overrides && { overrides: { ...ours.overrides, ...found.overrides } }),
  };
}

function fail(directory: string): never {
  throw new UserError(
    'package-json-damaged',
    `${join(directory, 'package.json')} is not JSON.`,
    'Correct it, or delete it: upgrade then writes a new one.',
  );
}

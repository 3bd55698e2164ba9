import { join } from 'node:path';
import { UserError } from '../../errors.ts';
import { parseJson, readTextIfThere } from '../../files.ts';
import type { Marker } from '../../settings/marker.ts';
import type { Lockfile, PackageFragment } from '../environment/installation.ts';
import { environmentRanges } from '../package.ts';
import type { CarriedPackage } from '../scaffold/carried.ts';
import { sha256 } from '../scaffold/hash.ts';
import { lockfileFor } from '../scaffold/lockfile.ts';
import { renderJson } from '../scaffold/plan.ts';

export const packageFiles = ['package.json', 'package-lock.json'];

/** What is to become of package.json and package-lock.json. */
export interface PackagePlan {
  written: Map<string, string | Buffer>;
  /** npm makes the lockfile from the one that is there. */
  needsLock: boolean;
  /** What sessapp.json says of the two: of a file that somebody has changed, what it said before. */
  hashes: Record<string, string>;
}

type EnvironmentPackageJson = PackageFragment & { name: string };

/** @param rendered the files as they would be in a new environment */
export async function planPackages(
  directory: string,
  { files }: Marker,
  rendered: Map<string, string | Buffer>,
  carried: CarriedPackage,
): Promise<PackagePlan> {
  const [text, lockText] = await Promise.all(packageFiles.map((path) => readTextIfThere(join(directory, path))));
  const locked = parseJson<Lockfile>(lockText);
  const ours = JSON.parse(String(rendered.get('package.json'))) as EnvironmentPackageJson;
  const found = text === undefined ? ours : (parseJson<EnvironmentPackageJson>(text) ?? fail(directory));
  const before = locked?.packages?.['node_modules/sessapp']?.peerDependencies;
  const merged = merge(found, ours, before ? environmentRanges(before) : oldRanges);
  const manifest = JSON.stringify(merged) === JSON.stringify(found) && text !== undefined ? text : renderJson(merged);
  const isOurs = [text, lockText].every((content, n) => isUnchanged(content, files[packageFiles[n] ?? '']));
  const lock = isOurs ? renderJson(lockfileFor(merged, carried)) : undefined;
  const written = new Map<string, string | Buffer>();
  if (manifest !== text) written.set('package.json', manifest);
  if (lock !== undefined && lock !== lockText) written.set('package-lock.json', lock);
  const isLocked = locked?.packages?.['node_modules/sessapp']?.integrity === carried.integrity;
  const hashes = {
    'package.json': isUnchanged(text, files['package.json']) ? sha256(manifest) : (files['package.json'] ?? ''),
    'package-lock.json': lock === undefined ? (files['package-lock.json'] ?? '') : sha256(lock),
  };
  return { written, needsLock: lock === undefined && (manifest !== text || !isLocked), hashes };
}

// A file that is missing is written again.
function isUnchanged(content: string | undefined, generated: string | undefined): boolean {
  return content === undefined || sha256(content) === generated;
}

/** What environments of the old form depend on. */
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
 * The user's package.json with our entries brought up to date.
 * @param ranges what the sessapp before wrote, by package: another range is one that the user has chosen, and stays
 */
function merge(
  found: EnvironmentPackageJson,
  ours: EnvironmentPackageJson,
  ranges: Record<string, string>,
): EnvironmentPackageJson {
  const isCopied = found.dependencies?.sessapp === undefined;
  const kept = Object.entries(found.dependencies ?? {}).filter(([name, range]) => {
    const isInOurs = ours.dependencies?.[name] !== undefined;
    // The old form had the packages of the server itself, which now come with sessapp.
    if (isInOurs) return name !== 'sessapp' && range !== ranges[name];
    return !(isCopied && range === oldRanges[name]);
  });
  const dependencies = { ...ours.dependencies, ...Object.fromEntries(kept) };
  return {
    ...found,
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
    'Mend it, or delete it: then a new one is written.',
  );
}

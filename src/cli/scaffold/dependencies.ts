import { mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError, UserError } from '../../errors.ts';
import { isThere } from '../../files.ts';
import type { Language } from '../../settings/marker.ts';
import type { System } from '../../system.ts';
import { nearest } from '../nearest.ts';
import { templatesDirectory } from '../package.ts';
import { refuseDirectory } from '../private-directory.ts';
import { NpmError, type NpmOptions, runNpm } from './npm.ts';
import { nodePackageName } from './plan.ts';
import { cacheDirectory } from './snapshots/cache-directory.ts';
import { type Project, readProject, snapshotKey } from './snapshots/key.ts';
import { Snapshots } from './snapshots/snapshots.ts';
import { withRestrictiveUmask } from './umask.ts';

/**
 * Installs the packages of the directory's package-lock.json: from a snapshot if one exists, else with npm, which also saves
 * a snapshot.
 * @param npmOptions more options for `npm ci`
 */
export async function installLocked(system: System, options: NpmOptions, ...npmOptions: string[]): Promise<void> {
  const { snapshots, key } = await findSnapshot(system, await readProject(options.directory));
  const target = join(options.directory, 'node_modules');
  if (key !== undefined && (await snapshots.copyTo(target, key, system.catchInterrupts()))) return;
  await runNpmCi(system, options, npmOptions);
  if (key !== undefined && (await isThere(target))) await snapshots.save(target, key);
}

/** True when `installLocked` would use a snapshot for this project. */
export async function hasSnapshot(system: System, project: Project): Promise<boolean> {
  // Looking for a snapshot must not create the cache directory.
  if (!(await isThere(cacheDirectory(system)))) return false;
  const { snapshots, key } = await findSnapshot(system, project);
  return key !== undefined && snapshots.has(key);
}

async function findSnapshot(system: System, project: Project): Promise<{ snapshots: Snapshots; key?: string }> {
  const cache = cacheDirectory(system);
  const key = (await refuseDirectory(cache)) === undefined ? await snapshotKey(system, project) : undefined;
  return { snapshots: new Snapshots(cache), ...(key !== undefined && { key }) };
}

// The lockfile has the hash of each package, so npm can use cached metadata. If the cached metadata is older than a version
// in the lockfile, npm fails with ETARGET and must ask the registry.
async function runNpmCi(system: System, options: NpmOptions, npmOptions: string[]): Promise<void> {
  try {
    await runNpm(system, ['ci', ...npmOptions, '--prefer-offline'], options);
  } catch (error) {
    if (options.offline || !(error instanceof NpmError) || error.npmCode !== 'ETARGET') throw error;
    await runNpm(system, ['ci', ...npmOptions, '--prefer-online'], options);
  }
}

/** Installs the environment's own Node.js, in the version of `.node/package.json`, and links it as `bin/node`. */
export async function installNode(system: System, options: NpmOptions): Promise<void> {
  const directory = join(options.directory, '.node');
  await withRestrictiveUmask(() => runNpm(system, ['install'], { ...options, directory }));
  const target = join('..', '.node', 'node_modules', nodePackageName(), 'bin', 'node');
  const link = join(options.directory, 'bin', 'node');
  await mkdir(dirname(link), { recursive: true });
  await rm(link, { force: true });
  await symlink(target, link);
}

const oldest = '20.19';
const oldestStrippingTypes = '22.18';

/** The oldest Node.js that runs an environment in this language. */
export function oldestFor(language: Language): string {
  return language === 'typescript' ? oldestStrippingTypes : oldest;
}

/**
 * The newest version of Node.js in the registry that matches `asked`: `24`, `24.1` or `24.1.0`.
 * @throws UsageError when none matches, or it is too old for an environment
 */
export async function resolveNodeVersion(system: System, asked: string, offline: boolean): Promise<string> {
  const versions = await listNodeVersions(system, offline);
  const majors = [...new Set(versions.map((version) => version.split('.')[0] ?? ''))];
  const wanted = asked.replace(/^v/, '');
  const match = versions.filter((version) => `${version}.`.startsWith(`${wanted}.`)).at(-1);
  if (match !== undefined && /^\d+(\.\d+){0,2}$/.test(wanted)) return match;
  const near = await nearest(wanted, [...majors, ...versions]);
  throw new UsageError(
    `Node.js '${asked}' is not available for an environment.`,
    `${near === undefined ? '' : `Did you mean ${near}? `}Valid: ${majors.join(', ')}, or an exact version up to ${versions.at(-1)}.`,
  );
}

// Runs in our own directory, so that npm ignores an .npmrc in the working directory.
async function listNodeVersions(system: System, offline: boolean): Promise<string[]> {
  const args = ['view', nodePackageName(), 'versions', '--json'];
  const all = JSON.parse(await runNpm(system, args, { offline, directory: templatesDirectory })) as string | string[];
  return [all]
    .flat()
    .filter((version) => /^\d+\.\d+\.\d+$/.test(version) && isAtLeast(version, oldest))
    .sort(compare);
}

/** @throws UserError when this Node.js cannot run TypeScript without a build step */
export function verifyStripsTypes(version: string): void {
  if (isAtLeast(version, oldestStrippingTypes)) return;
  throw new UserError(
    'node-too-old',
    `TypeScript without a build step needs Node.js ${oldestStrippingTypes} or newer; this is ${version}.`,
    'Give the environment its own Node.js with --node 24, or leave --typescript out.',
  );
}

export function isAtLeast(version: string, least: string): boolean {
  return compare(version, least) >= 0;
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

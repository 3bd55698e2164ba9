import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { notTheOwner, UserError } from '../../errors.ts';
import { type Marker, markerName, OldEnvironment } from '../../settings/marker.ts';
import type { System } from '../../system.ts';
import { findRunningServer } from '../control/server-record.ts';
import { findEnvironment } from '../environment/find.ts';
import type { Lockfile, PackageJson } from '../environment/installation.ts';
import { carriedFolder } from '../scaffold/carried.ts';
import { installLocked } from '../scaffold/dependencies.ts';
import { withLock } from '../scaffold/directory-lock.ts';
import { findKept } from '../scaffold/existing.ts';
import { runNpm } from '../scaffold/npm.ts';
import { copyFolders, stagePackages, toAbsolute } from '../scaffold/packages.ts';
import { renderJson } from '../scaffold/plan.ts';
import { withStaging } from '../scaffold/staging.ts';
import { commandLine } from '../shells/shells.ts';
import { packageFiles } from './packages.ts';
import { planUpgrade, type Upgradable, type UpgradePlan } from './plan.ts';
import { commitSwap, formerFolder, readSwap, stagedFile } from './swap.ts';

/** Finds the environment, in the current or the old format. The arguments are those of `findEnvironment`. */
export async function findUpgradable(system: System, ...named: (string | undefined)[]): Promise<Upgradable> {
  try {
    return { ...(await findEnvironment(system, ...named)), isOld: false };
  } catch (error) {
    if (error instanceof OldEnvironment) return { directory: error.directory, marker: error.marker, isOld: true };
    throw error;
  }
}

/** @throws UserError when the environment cannot be upgraded now */
export async function verifyUpgradable(system: System, { directory, marker, isOld }: Upgradable): Promise<void> {
  await verifyOwner(directory);
  if (marker.migration) throw await migrationUnfinished(system, directory, marker);
  if (!isOld || !(await findRunningServer({ directory }))) return;
  throw new UserError(
    'already-running',
    `The server of ${directory} is running, and uses files that upgrade removes.`,
    `Stop it first: ${await commandLine(system, directory, 'stop')}`,
  );
}

async function migrationUnfinished(system: System, directory: string, { migration }: Marker): Promise<UserError> {
  return new UserError(
    'migration-unfinished',
    `The migration of ${directory} to the store ${migration?.to} is not complete.`,
    `Complete it first: ${await commandLine(system, directory, 'store migrate', migration?.to ?? '')}`,
  );
}

// Files that root writes could not be changed by the user of the server.
async function verifyOwner(directory: string): Promise<void> {
  const { uid } = await stat(directory);
  if (!process.getuid || process.getuid() === uid) return;
  throw notTheOwner(directory, uid);
}

/**
 * Carries out the plan: prepares everything in a staging directory, then moves it into place. If it fails or is killed, the
 * environment is unchanged or fully upgraded.
 * @throws UserError when npm fails or a file changed meanwhile, Interrupted after a signal
 */
export async function upgrade(
  system: System,
  environment: Upgradable,
  plan: UpgradePlan,
  offline: boolean,
  step: (name: string) => void,
): Promise<void> {
  const { directory, marker } = environment;
  await findKept(directory, [...plan.written.keys(), ...plan.removed]);
  await withLock(directory, () =>
    withStaging(directory, async (staging) => {
      const tree = await prepare(system, plan, staging, offline, step);
      system.catchInterrupts().throwIfAborted();
      await verifyAsPlanned(environment, plan);
      const put = [...plan.written.keys(), ...(plan.needsLock ? ['package-lock.json'] : [])];
      // The marker comes last: until then it has the old version.
      const files = [...put.filter((path) => path !== markerName), ...put.filter((path) => path === markerName)];
      commitSwap(directory, staging, { version: plan.to, store: marker.store, put: files, remove: plan.removed, tree });
    }),
  );
}

/**
 * Restores the state before the last upgrade. The current state becomes the former state.
 * @returns the version of sessapp afterwards; with `isDryRun`, the version that it would be
 * @throws UserError when there is no former state, or it used another store
 */
export async function undoUpgrade(
  system: System,
  { directory, marker }: Upgradable,
  isDryRun: boolean,
): Promise<string> {
  const swap = readSwap(formerFolder(directory));
  if (!swap) {
    throw new UserError(
      'nothing-to-undo',
      `${directory} has no upgrade to undo.`,
      'Only the last upgrade can be undone.',
    );
  }
  await verifyOwner(directory);
  if (marker.migration) throw await migrationUnfinished(system, directory, marker);
  if (marker.store !== swap.store) {
    throw new UserError(
      'store-moved',
      `Since that upgrade, the sessions were moved from the store ${swap.store} to ${marker.store}.`,
      `Move them back first: ${await commandLine(system, directory, 'store migrate', swap.store)}`,
    );
  }
  if (!isDryRun) await withLock(directory, async () => commitSwap(directory, formerFolder(directory), swap));
  return swap.version;
}

/** @returns whether there is a node_modules to move into place */
async function prepare(
  system: System,
  plan: UpgradePlan,
  staging: string,
  offline: boolean,
  step: (name: string) => void,
): Promise<boolean> {
  for (const [path, content] of plan.written) {
    const file = stagedFile(staging, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content, { mode: 0o644 });
  }
  if (!plan.needsLock && !packageFiles.some((path) => plan.written.has(path))) return false;
  step('Installing dependencies');
  await stageInstallation(plan, staging);
  const there = { directory: staging, offline };
  if (plan.needsLock) {
    await runNpm(system, ['install', '--package-lock-only', copyFolders], there);
    const { directory } = plan;
    const packageJson = String(
      plan.written.get('package.json') ?? (await readFile(join(directory, 'package.json'), 'utf8')),
    );
    const made = await readFile(join(staging, 'package-lock.json'), 'utf8');
    const lockfile = toRelative(made, packageJson, staging, directory);
    await mkdir(dirname(stagedFile(staging, 'package-lock.json')), { recursive: true });
    await writeFile(stagedFile(staging, 'package-lock.json'), lockfile, { mode: 0o644 });
  }
  await installLocked(system, there, copyFolders);
  return true;
}

// npm works on copies of the new files. Its changes to them are removed with the staging directory.
async function stageInstallation({ directory, written, carried }: UpgradePlan, staging: string): Promise<void> {
  await stagePackages(directory, staging);
  for (const path of packageFiles) {
    const content = written.get(path);
    if (content !== undefined) await writeFile(join(staging, path), toAbsolute(String(content), directory));
  }
  await mkdir(join(staging, carriedFolder), { recursive: true });
  const content = written.get(carried);
  if (content !== undefined) await writeFile(join(staging, carried), content);
}

/** Makes the paths of local folders in a lockfile from the staging directory relative to the environment. */
function toRelative(lockText: string, packageText: string, staging: string, directory: string): string {
  const lockfile = JSON.parse(lockText) as Lockfile;
  const { dependencies, devDependencies } = JSON.parse(packageText) as PackageJson;
  Object.assign(lockfile.packages[''] ?? {}, {
    ...(dependencies && { dependencies }),
    ...(devDependencies && { devDependencies }),
  });
  for (const entry of Object.values(lockfile.packages)) {
    const [, path] = /^file:(?!\.sessapp\/)(.*)$/.exec(entry.resolved ?? '') ?? [];
    if (path !== undefined) entry.resolved = `file:${relative(directory, resolve(staging, path))}`;
  }
  return renderJson(lockfile);
}

// npm takes seconds, during which the user may have changed files.
async function verifyAsPlanned(environment: Upgradable, plan: UpgradePlan): Promise<void> {
  const now = await planUpgrade(environment);
  if (isDeepStrictEqual({ ...now }, { ...plan })) return;
  throw new UserError(
    'changed-meanwhile',
    `Files of ${plan.directory} changed while the upgrade was being prepared. The upgrade changed nothing.`,
    'Run the same command again.',
  );
}

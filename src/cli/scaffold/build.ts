import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isThere } from '../../files.ts';
import { createSecret, renderEnvFile } from '../../settings/secrets.ts';
import type { System } from '../../system.ts';
import { isLockfileCurrent } from '../environment/readiness.ts';
import { hasSnapshot, installLocked, installNode } from './dependencies.ts';
import { initRepository } from './git.ts';
import { type NpmOptions, runNpm } from './npm.ts';
import { copyCarried } from './packages.ts';
import type { Plan } from './plan.ts';
import { readProject } from './snapshots/key.ts';

const nodePackageFile = '.node/package.json';

/** Reports the current step to the waiting user. */
export type Progress = (step: string) => void;

/** Builds the planned environment in an empty staging directory. */
export async function buildEnvironment(system: System, plan: Plan, staging: string, progress: Progress): Promise<void> {
  const cancelSignal = system.catchInterrupts();
  writeFiles(system, plan, staging);
  cancelSignal.throwIfAborted();
  if (plan.install) await installEverything(system, plan, staging, progress);
  if (plan.git) await initRepository(system, plan, staging);
  cancelSignal.throwIfAborted();
}

/** The source of the dependencies. Undefined when none will be installed. */
export async function findSource(system: System, plan: Plan): Promise<'snapshot' | 'npm' | undefined> {
  const { directory, files, kept, install } = plan;
  if (!install || (await isThere(join(directory, 'node_modules')))) return undefined;
  const isKept = kept.includes('package.json');
  if (isKept && !(await isLockfileCurrent(directory))) return 'npm';
  const planned = (path: string) => files.find((file) => file.path === path)?.content?.toString();
  const project = isKept
    ? await readProject(directory)
    : { packageJson: planned('package.json'), lockfile: planned('package-lock.json'), settings: undefined };
  return (await hasSnapshot(system, project)) ? 'snapshot' : 'npm';
}

// Synchronous calls: for a hundred small files, waiting on the event loop takes longer than writing.
function writeFiles(system: System, { files, storeUrl }: Plan, staging: string): void {
  for (const { path, mode, content } of files) {
    const file = join(staging, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content ?? renderEnvFile(createSecret(), system.now(), storeUrl), { flag: 'wx', mode });
    chmodSync(file, mode);
  }
}

async function installEverything(system: System, plan: Plan, staging: string, progress: Progress): Promise<void> {
  const options = { directory: staging, offline: plan.offline };
  if (!(await isThere(join(plan.directory, 'node_modules')))) {
    progress('Installing dependencies');
    if (plan.kept.includes('package.json')) await installKept(system, plan, options);
    else await installLocked(system, options);
  }
  if (plan.node !== null) {
    progress(`Installing Node.js ${plan.node}`);
    // Use the version in the existing file, if there is one.
    if (plan.kept.includes(nodePackageFile)) await copyInto(staging, plan.directory, nodePackageFile);
    await installNode(system, options);
  }
}

// The directory already has a package.json, and perhaps a lockfile and an .npmrc for it.
async function installKept(system: System, plan: Plan, options: NpmOptions): Promise<void> {
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
    if (await isThere(join(plan.directory, name))) await copyInto(options.directory, plan.directory, name);
  }
  await copyCarried(plan.directory, options.directory);
  if (await isLockfileCurrent(options.directory)) await installLocked(system, options);
  else await runNpm(system, ['install'], options);
}

async function copyInto(staging: string, directory: string, path: string): Promise<void> {
  await mkdir(dirname(join(staging, path)), { recursive: true });
  await copyFile(join(directory, path), join(staging, path));
}

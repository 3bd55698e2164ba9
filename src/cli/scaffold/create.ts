import { lstat, rename, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, orUndefined } from '../../errors.ts';
import type { System } from '../../system.ts';
import { buildEnvironment, type Progress } from './build.ts';
import { commitInPlace } from './in-place.ts';
import type { Plan } from './plan.ts';
import { createStaging, findLeftovers, removeTree } from './staging.ts';
import { closedToOthers } from './umask.ts';

/**
 * Does what the plan says: builds in a staging directory, then puts it in its place at once.
 * Whatever stops it, the target is as it was before, or whole.
 * @returns false when another process made an environment there first
 */
export async function createEnvironment(
  system: System,
  plan: Plan,
  cancelSignal: AbortSignal,
  progress: Progress,
): Promise<boolean> {
  return closedToOthers(() => create(system, plan, cancelSignal, progress));
}

async function create(system: System, plan: Plan, cancelSignal: AbortSignal, progress: Progress): Promise<boolean> {
  const inPlace = plan.action !== 'create';
  const parent = inPlace ? plan.directory : dirname(plan.directory);
  for (const leftover of await findLeftovers(parent)) {
    // In a directory that many share, such as /tmp, another user's is that user's to remove.
    await orUndefined(removeTree(leftover), 'EACCES', 'EPERM');
  }
  const staging = await createStaging(parent);
  try {
    await buildEnvironment(system, plan, staging.directory, cancelSignal, progress);
    cancelSignal.throwIfAborted();
    return await (inPlace ? commitInPlace(plan, staging.directory) : isRenamed(staging.directory, plan.directory));
  } finally {
    await removeTree(staging.directory);
    await removeEmpty(parent, staging.top);
  }
}

// rename(2) replaces an empty directory and refuses any other; a process that came first has made a full one.
async function isRenamed(staging: string, directory: string): Promise<boolean> {
  try {
    await rename(staging, directory);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR') && (await lstat(directory))) return false;
    throw error;
  }
}

// Parents that were made for a target that was then not made.
async function removeEmpty(parent: string, top: string): Promise<void> {
  try {
    for (let directory = parent; directory.length >= top.length; directory = dirname(directory)) await rmdir(directory);
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) throw error;
  }
}

import { lstat, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../../errors.ts';
import type { System } from '../../system.ts';
import { buildEnvironment, type Progress } from './build.ts';
import { commitInPlace } from './in-place.ts';
import type { Plan } from './plan.ts';
import { withStaging } from './staging.ts';

/**
 * Carries out the plan: builds the environment in a staging directory, then moves it into place atomically. If it fails or
 * is killed, the target is unchanged, or the environment is complete.
 * @returns false when another process made an environment there first
 */
export async function createEnvironment(system: System, plan: Plan, progress: Progress): Promise<boolean> {
  const inPlace = plan.action !== 'create';
  return withStaging(inPlace ? plan.directory : dirname(plan.directory), async (staging) => {
    await buildEnvironment(system, plan, staging, progress);
    return inPlace ? commitInPlace(plan, staging) : tryRename(staging, plan.directory);
  });
}

// rename(2) replaces an empty directory only. If another process was first, the directory is not empty.
async function tryRename(staging: string, directory: string): Promise<boolean> {
  try {
    await rename(staging, directory);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR') && (await lstat(directory))) return false;
    throw error;
  }
}

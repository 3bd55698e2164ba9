import { dirname, join } from 'node:path';
import { UserError } from '../errors.ts';
import type { System } from '../system.ts';
import { isThere } from './existing.ts';

/**
 * Makes `staging` a git repository with its files added, unless `target` is in one already.
 * Nothing is committed: that is the user's, with the user's name and hooks.
 */
export async function initRepository(system: System, target: string, staging: string): Promise<void> {
  if (await isInRepository(target)) return;
  for (const args of [
    ['init', '--quiet'],
    ['add', '--all'],
  ]) {
    const env = Object.fromEntries(Object.entries(system.env).filter(([name]) => !name.startsWith('GIT_')));
    const result = await system.run('git', args, { cwd: staging, env });
    if (result.exitCode === 0) continue;
    throw new UserError(
      'git-failed',
      result.startError === 'ENOENT' ? 'git is not on the PATH.' : `git ${args[0]} failed: ${result.stderr.trim()}`,
      'Mend that, or leave --git out.',
    );
  }
}

/** True when a directory, or one above it, is the top of a git work tree. */
async function isInRepository(directory: string): Promise<boolean> {
  if (await isThere(join(directory, '.git'))) return true;
  return dirname(directory) === directory ? false : isInRepository(dirname(directory));
}

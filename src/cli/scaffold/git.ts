import { dirname, join } from 'node:path';
import { UserError, withoutTemporary } from '../../errors.ts';
import { isThere } from '../../files.ts';
import { envFileName } from '../../settings/secrets.ts';
import type { System } from '../../system.ts';

/**
 * Makes `staging` a git repository, and adds only the planned files: a .gitignore of the user may not cover the others.
 * It commits nothing, because a commit needs the user's name and hooks.
 */
export async function initRepository(
  system: System,
  { files }: { files: { path: string }[] },
  staging: string,
): Promise<void> {
  const paths = files.map(({ path }) => path).filter((path) => path !== envFileName);
  await runGit(system, staging, 'init', '--quiet');
  await runGit(system, staging, 'add', '--force', '--', ...paths);
}

/** True when the directory or one of its parents is the top of a git work tree. */
export async function isInRepository(directory: string): Promise<boolean> {
  if (await isThere(join(directory, '.git'))) return true;
  return dirname(directory) === directory ? false : isInRepository(dirname(directory));
}

/** Removes the variables of another repository, which git sets, for example, when it runs a hook. */
export function gitEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('GIT_')));
}

async function runGit(system: System, cwd: string, ...args: string[]): Promise<void> {
  const result = await system.run('git', args, { cwd, env: gitEnvironment(system.env) });
  if (result.exitCode === 0) return;
  throw new UserError(
    'git-failed',
    result.startError === 'ENOENT'
      ? 'git is not on the PATH.'
      : `git ${args[0]} failed: ${withoutTemporary(result.stderr.trim())}`,
    'Fix that, or leave --git out.',
  );
}

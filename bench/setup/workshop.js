import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '.work');

/** Where what is installed once stays for the next run: git-ignored. */
export function keptPath(...names) {
  return join(root, 'kept', ...names);
}

/**
 * A directory for one run. It is on the disk that the repository is on, not in /tmp, which some systems keep in memory:
 * to write durably would cost nothing there.
 */
export async function createWorkshop() {
  await mkdir(root, { recursive: true });
  const directory = await mkdtemp(join(root, 'run-'));
  return {
    directory,
    path: (...names) => join(directory, ...names),
    clear: () => rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
  };
}

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '.work');

/** A path for files that later runs use again. It is git-ignored. */
export function keptPath(...names) {
  return join(root, 'kept', ...names);
}

/**
 * Creates a directory for one run. It is on the disk of the repository, not in /tmp: some systems keep /tmp in memory,
 * where a durable write is free.
 */
export async function createWorkspace() {
  await mkdir(root, { recursive: true });
  const directory = await mkdtemp(join(root, 'run-'));
  return {
    directory,
    path: (...names) => join(directory, ...names),
    clear: () => rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
  };
}

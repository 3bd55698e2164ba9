import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ownIdentity } from '../environment/lock.ts';
import { isOfThisMachine, isRunning } from '../environment/process-identity.ts';
import { hasCode } from '../errors.ts';

/** An owner on another machine cannot be asked whether it lives; its staging counts as left over after this time. */
const foreignMs = 24 * 60 * 60 * 1000;

const pattern = /^\.sessapp-staging-[0-9a-f]{8}-(\d+)-(\w+)-([0-9a-f]{8})$/;

/**
 * Makes an empty directory in `parent` to build an environment in. Its name says which process owns it.
 * @param target the directory that the environment will have, absolute
 */
export async function createStaging(parent: string, target: string): Promise<string> {
  const { pid, started, machine } = await ownIdentity();
  const hash = createHash('sha256').update(basename(target)).digest('hex').slice(0, 8);
  const staging = join(parent, `.sessapp-staging-${hash}-${pid}-${started}-${machine}`);
  await removeTree(staging);
  await mkdir(staging, { mode: 0o755 });
  return staging;
}

/** The staging directories in `parent` whose owner is gone: what an interrupted `init` left behind. */
export async function findLeftovers(parent: string): Promise<string[]> {
  const names = await readdir(parent).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'EACCES')) return [];
    throw error;
  });
  const leftovers: string[] = [];
  for (const name of names) {
    if (await isLeftover(parent, name)) leftovers.push(join(parent, name));
  }
  return leftovers;
}

/** Removes a directory even while an orphaned npm still writes into it. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

async function isLeftover(parent: string, name: string): Promise<boolean> {
  const [, pid, started, machine] = pattern.exec(name) ?? [];
  if (pid === undefined || started === undefined || machine === undefined) return false;
  const owner = { pid: Number(pid), started, machine };
  if (await isOfThisMachine(owner)) return !(await isRunning(owner));
  return Date.now() - (await stat(join(parent, name))).mtimeMs > foreignMs;
}

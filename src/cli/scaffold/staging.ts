import { rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { orUndefined } from '../../errors.ts';
import { listNames, makeDirectory } from '../../files.ts';
import { isOlderThan, ownIdentity } from '../environment/lock.ts';
import { isOfThisMachine, isRunning } from '../environment/process-identity.ts';
import { withRestrictiveUmask } from './umask.ts';

/** We cannot check a process on another machine, so its staging directory counts as abandoned after this time. */
const foreignMs = 24 * 60 * 60 * 1000;

const pattern = /^\.sessapp-staging-(\d+)-(\w+)-([0-9a-f]{8})$/;

/**
 * Runs `work` with a staging directory inside `parent`, and removes the directory afterwards. Also removes the staging
 * directories of interrupted commands, and the parents that it made, if they are empty. Only the owner can write to new files.
 */
export async function withStaging<T>(parent: string, work: (staging: string) => Promise<T>): Promise<T> {
  return withRestrictiveUmask(() => workInStaging(parent, work));
}

async function workInStaging<T>(parent: string, work: (staging: string) => Promise<T>): Promise<T> {
  for (const leftover of await findLeftovers(parent)) {
    // In a shared directory such as /tmp, we cannot remove the staging directories of other users.
    await orUndefined(removeTree(leftover), 'EACCES', 'EPERM');
  }
  const { directory, top } = await createStaging(parent);
  try {
    return await work(directory);
  } finally {
    await removeTree(directory);
    await orUndefined(removeEmpty(parent, top), 'ENOTEMPTY', 'EEXIST', 'ENOENT');
  }
}

/** Removes the directories from `parent` up to `top`. @throws ENOTEMPTY when one is not empty */
export async function removeEmpty(parent: string, top: string): Promise<void> {
  for (let directory = parent; directory.length >= top.length; directory = dirname(directory)) await rmdir(directory);
}

export interface Staging {
  directory: string;
  /** The topmost new directory: the staging directory itself, or a parent that was missing. */
  top: string;
}

/** Makes an empty staging directory in `parent`. Its name contains the process that owns it. */
export async function createStaging(parent: string): Promise<Staging> {
  const directory = await freeStagingPath(parent);
  return { directory, top: (await makeDirectory(directory)) ?? directory };
}

/** A free path in `parent` with the name of a staging directory: if this process is killed, the next one removes it. */
export async function freeStagingPath(parent: string): Promise<string> {
  const { pid, started, machine } = await ownIdentity();
  const path = join(parent, `.sessapp-staging-${pid}-${started}-${machine}`);
  await removeTree(path);
  return path;
}

/** The staging directories in `parent` whose process has ended: those of interrupted commands. */
export async function findLeftovers(parent: string): Promise<string[]> {
  const leftovers: string[] = [];
  for (const name of await listNames(parent)) {
    if (await isLeftover(parent, name)) leftovers.push(join(parent, name));
  }
  return leftovers;
}

/** Removes a directory, even if an orphaned npm is still writing into it. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

async function isLeftover(parent: string, name: string): Promise<boolean> {
  const [, pid, started, machine] = pattern.exec(name) ?? [];
  if (pid === undefined || started === undefined || machine === undefined) return false;
  const owner = { pid: Number(pid), started, machine };
  if (await isOfThisMachine(owner)) return !(await isRunning(owner));
  return isOlderThan(foreignMs, join(parent, name));
}

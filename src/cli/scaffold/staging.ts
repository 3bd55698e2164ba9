import { rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { orUndefined } from '../../errors.ts';
import { listNames, makeDirectory } from '../../files.ts';
import { isOlderThan, ownIdentity } from '../environment/lock.ts';
import { isOfThisMachine, isRunning } from '../environment/process-identity.ts';
import { withRestrictiveUmask } from './umask.ts';

/** An owner on another machine cannot be asked whether it lives; its staging counts as left over after this time. */
const foreignMs = 24 * 60 * 60 * 1000;

const pattern = /^\.sessapp-staging-(\d+)-(\w+)-([0-9a-f]{8})$/;

/**
 * Works in a staging directory inside `parent`, which is gone afterwards, as is what interrupted commands left there.
 * Parents that had to be made for it go too, unless something is in them. Only their owner may write to new files.
 */
export async function withStaging<T>(parent: string, work: (staging: string) => Promise<T>): Promise<T> {
  return withRestrictiveUmask(() => workInStaging(parent, work));
}

async function workInStaging<T>(parent: string, work: (staging: string) => Promise<T>): Promise<T> {
  for (const leftover of await findLeftovers(parent)) {
    // In a directory that many share, such as /tmp, another user's is that user's to remove.
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

/** Removes directories from `parent` up to `top`. @throws ENOTEMPTY at the first one that is not empty */
export async function removeEmpty(parent: string, top: string): Promise<void> {
  for (let directory = parent; directory.length >= top.length; directory = dirname(directory)) await rmdir(directory);
}

export interface Staging {
  directory: string;
  /** The topmost directory that had to be made for it: itself, or a parent that was missing. */
  top: string;
}

/** Makes an empty directory in `parent` to build an environment in. Its name says which process owns it. */
export async function createStaging(parent: string): Promise<Staging> {
  const directory = await freeStagingPath(parent);
  return { directory, top: (await makeDirectory(directory)) ?? directory };
}

/** A path in `parent` where nothing is, for what this process moves aside: killed, it leaves what the next one removes. */
export async function freeStagingPath(parent: string): Promise<string> {
  const { pid, started, machine } = await ownIdentity();
  const path = join(parent, `.sessapp-staging-${pid}-${started}-${machine}`);
  await removeTree(path);
  return path;
}

/** The staging directories in `parent` whose owner is gone: what an interrupted command left behind. */
export async function findLeftovers(parent: string): Promise<string[]> {
  const leftovers: string[] = [];
  for (const name of await listNames(parent)) {
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
  return isOlderThan(foreignMs, join(parent, name));
}

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { acquireLock, type Lock, readLock, releaseLock } from '../environment/lock.ts';
import { identify, isOfThisMachine, isRunning } from '../environment/process-identity.ts';
import { UserError } from '../errors.ts';
import { isOlderThan, listNames } from './staging.ts';

/** The file that is there while a directory is being changed; its drafts have longer names. */
export const lockName = '.sessapp-lock';

/** The change itself takes a fraction of a second: a short wait turns most collisions into an answer. */
const waitMs = 10_000;
const pollMs = 50;
/** A holder on another machine cannot be asked whether it lives; its lock counts as left over after this time. */
const foreignMs = 10 * 60 * 1000;

/**
 * Changes a directory while no other sessapp does.
 * @throws UserError when another one is at it for too long
 */
export async function withLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const path = join(directory, lockName);
  const holder = await waitForLock(path);
  if (holder) throw busy(directory, holder);
  try {
    await removeDrafts(directory);
    return await work();
  } finally {
    await releaseLock(path);
  }
}

async function waitForLock(path: string): Promise<Lock | undefined> {
  const isHeld = async ({ owner }: Lock): Promise<boolean> =>
    (await isOfThisMachine(owner)) ? isRunning(owner) : !(await isOlderThan(foreignMs, path));
  for (const end = Date.now() + waitMs; ; await wait(pollMs)) {
    const holder = await acquireLock(path, {}, isHeld);
    if (!holder || Date.now() > end) return holder;
  }
}

function busy(directory: string, { owner }: Lock): UserError {
  return new UserError(
    'busy',
    `Another sessapp (process ${owner.pid}) is at work in ${directory}.`,
    'Wait until it has ended, then run the same command again.',
  );
}

// A process that is killed while it asks for the lock leaves its draft of it.
async function removeDrafts(directory: string): Promise<void> {
  for (const name of await listNames(directory)) {
    const [, pid] = /^\.sessapp-lock\.(\d+)\./.exec(name) ?? [];
    if (pid === undefined) continue;
    const draft = await readLock<Lock>(join(directory, name));
    const isAlive = draft ? await isRunning(draft.owner) : (await identify(Number(pid))) !== undefined;
    if (!isAlive) await rm(join(directory, name), { force: true });
  }
}

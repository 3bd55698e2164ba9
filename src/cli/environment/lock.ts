import { constants } from 'node:fs';
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hasCode, orUndefined, UserError } from '../../errors.ts';
import { listNames } from '../../files.ts';
import { identify, isOfThisMachine, isRunning, type ProcessIdentity } from './process-identity.ts';
import { linkIfFree, withDraft } from './write-file.ts';

/** Who changes files holds a lock for a fraction of a second: a short wait turns most collisions into an answer. */
const waitMs = 10_000;
const pollMs = 50;

/** A file that one living process owns; its content says which. */
export interface Lock {
  owner: ProcessIdentity;
}

/** An owner on another machine cannot be asked whether it lives; its lock counts as left over after this time. */
const foreignMs = 10 * 60 * 1000;

/** A link that leads nowhere is there, though reading it finds nothing. No lock of ours is a link. */
const readNoLink = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0);

/** Tells a lock that counts from one that is left over. */
type IsHeld<L extends Lock> = (holder: L) => Promise<boolean>;

/**
 * Takes the lock at `path` for this process. A lock whose owner is dead is taken over.
 * @returns the lock of the living process that holds it already, or undefined when this process has it now
 * @throws UserError when a process that was to remove a dead owner's lock does not go on
 */
export async function acquireLock<L extends Lock>(
  path: string,
  content: Omit<L, 'owner'>,
  isHeld: IsHeld<L> = (lock) => isAlive(lock, path),
): Promise<L | undefined> {
  const owner = await ownIdentity();
  const text = `${JSON.stringify({ ...content, owner })}\n`;
  return withDraft(path, text, 0o600, (draft) => linkOrFindHolder(draft, path, isHeld));
}

async function linkOrFindHolder<L extends Lock>(
  draft: string,
  path: string,
  isHeld: IsHeld<L>,
): Promise<L | undefined> {
  for (const deadline = Date.now() + waitMs; ; ) {
    if (await linkIfFree(draft, path)) return undefined;
    const found = await readLockFile<L>(path);
    if (!found) continue;
    if (found.lock && (await isHeld(found.lock))) return found.lock;
    const remover = await removeIfDead(path, isHeld);
    if (remover && Date.now() > deadline) throw stuck(path, remover);
    if (remover) await wait(pollMs);
  }
}

/**
 * Works while this process holds the lock at `path`; waits for a while until another one lets go.
 * @param doing what the other one does, such as `is at work in …`
 * @throws UserError when it does not let go
 */
export async function whileLocked<T>(path: string, doing: string, work: () => Promise<T>): Promise<T> {
  const holder = await waitForLock(path);
  if (holder) {
    const fact = `Another sessapp (process ${holder.owner.pid}) ${doing}.`;
    throw new UserError('busy', fact, 'Wait until it has ended, then run the same command again.');
  }
  try {
    await removeDrafts(path);
    return await work();
  } finally {
    await releaseLock(path);
  }
}

async function waitForLock(path: string): Promise<Lock | undefined> {
  for (const deadline = Date.now() + waitMs; ; await wait(pollMs)) {
    const holder = await acquireLock(path, {});
    if (!holder || Date.now() > deadline) return holder;
  }
}

/** Undefined when there is none, or one that is damaged. */
export async function readLock<L extends Lock>(path: string): Promise<L | undefined> {
  return (await readLockFile<L>(path))?.lock;
}

// Undefined when nothing is there, which is not the same as a damaged lock: what is not there is not to be removed, for
// another process may take it at any moment.
async function readLockFile<L extends Lock>(path: string): Promise<{ lock: L | undefined } | undefined> {
  try {
    const lock = JSON.parse(await readFile(path, { encoding: 'utf8', flag: readNoLink })) as Partial<L> | null;
    return { lock: lock?.owner ? (lock as L) : undefined };
  } catch (error) {
    if (error instanceof SyntaxError || hasCode(error, 'ELOOP')) return { lock: undefined };
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

/** Replaces the content of a lock that this process holds, in one step. */
export async function rewriteLock<L extends Lock>(path: string, content: L): Promise<void> {
  await withDraft(path, `${JSON.stringify(content)}\n`, 0o600, (draft) => rename(draft, path));
}

export async function releaseLock(path: string): Promise<void> {
  await rm(path, { force: true });
}

/**
 * Removes a lock whose owner is dead.
 * @returns the lock of a process that is at it already
 */
export async function removeIfDead<L extends Lock>(path: string, isHeld: IsHeld<L>): Promise<Lock | undefined> {
  // Of two that find the same dead lock, the second might remove the lock that the first has taken since. So only one
  // looks and removes; it too may be killed at it.
  const guard = guardOf(path);
  const remover = await acquireLock(guard, {});
  if (remover) return remover;
  try {
    const found = await readLockFile<L>(path);
    const isLeftOver = found && !(found.lock && (await isHeld(found.lock)));
    if (isLeftOver) await rm(path, { force: true });
  } finally {
    await releaseLock(guard);
  }
}

function stuck(path: string, { owner }: Lock): UserError {
  return new UserError(
    'busy',
    `Another sessapp (process ${owner.pid}) is about to remove ${path}, and gets no further.`,
    'Let it go on, or end it; then run the same command again.',
  );
}

/** Removes what processes left that were killed while they asked for this lock. */
export async function removeDrafts(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  const names = await listNames(dirname(path));
  const guard = guardOf(path);
  if (names.includes(basename(guard))) await removeIfDead(guard, (lock) => isAlive(lock, guard));
  for (const name of names) {
    const [, pid] = name.startsWith(prefix) ? (/^(?:guard\.)*(\d+)\./.exec(name.slice(prefix.length)) ?? []) : [];
    if (pid === undefined) continue;
    const draft = join(dirname(path), name);
    const lock = await readLock(draft);
    const isInUse = lock ? await isAlive(lock, draft) : (await identify(Number(pid))) !== undefined;
    if (!isInUse) await rm(draft, { force: true });
  }
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  const own = await identify(process.pid);
  if (!own) throw new Error('this process cannot see itself');
  return own;
}

async function isAlive({ owner }: Lock, path: string): Promise<boolean> {
  return (await isOfThisMachine(owner)) ? isRunning(owner) : !(await isOlderThan(foreignMs, path));
}

/** Whether a file was last written longer ago than that; false when it is gone. */
export async function isOlderThan(ms: number, path: string): Promise<boolean> {
  const found = await orUndefined(stat(path), 'ENOENT');
  return found !== undefined && Date.now() - found.mtimeMs > ms;
}

function guardOf(path: string): string {
  return `${path}.guard`;
}

import { constants } from 'node:fs';
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hasCode, orUndefined, UserError } from '../../errors.ts';
import { listNames } from '../../files.ts';
import { identify, isOfThisMachine, isRunning, type ProcessIdentity } from './process-identity.ts';
import { linkIfFree, withDraft } from './write-file.ts';

/** How long to wait for a lock. A command usually holds one for a fraction of a second. */
const waitMs = 10_000;
const pollMs = 50;

/** A lock file. It names the live process that holds the lock. */
export interface Lock {
  owner: ProcessIdentity;
}

/** We cannot check a process on another machine, so its lock counts as abandoned after this time. */
const foreignMs = 10 * 60 * 1000;

/** Do not follow links. A lock is never a link, and reading a broken link would look as if no lock existed. */
const readNoLink = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0);

/** Whether a lock is held or abandoned. */
type IsHeld<L extends Lock> = (holder: L) => Promise<boolean>;

/**
 * Takes the lock at `path` for this process. An abandoned lock is taken over.
 * @returns undefined when this process now holds the lock, else the lock of the live process that holds it
 * @throws UserError when another process began to remove an abandoned lock and does not finish
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
 * Runs `work` while this process holds the lock at `path`. Waits up to 10 s for another process to release it.
 * @param doing what the other process does, for the message: `is changing …`
 * @throws UserError when the other process does not release the lock
 */
export async function whileLocked<T>(path: string, doing: string, work: () => Promise<T>): Promise<T> {
  const holder = await waitForLock(path);
  if (holder) {
    const fact = `Another sessapp command (process ${holder.owner.pid}) ${doing}.`;
    throw new UserError('busy', fact, 'Wait until it ends, then run the same command again.');
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

/** Undefined when the lock is missing or damaged. */
export async function readLock<L extends Lock>(path: string): Promise<L | undefined> {
  return (await readLockFile<L>(path))?.lock;
}

// Undefined when there is no lock file, `{ lock: undefined }` when it is damaged. The difference matters: a damaged lock
// may be removed, but a missing one may be taken by another process at any moment.
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

/** Atomically replaces the content of a lock that this process holds. */
export async function rewriteLock<L extends Lock>(path: string, content: L): Promise<void> {
  await withDraft(path, `${JSON.stringify(content)}\n`, 0o600, (draft) => rename(draft, path));
}

export async function releaseLock(path: string): Promise<void> {
  await rm(path, { force: true });
}

/**
 * Removes an abandoned lock.
 * @returns the lock of another process that is already removing it
 */
export async function removeIfDead<L extends Lock>(path: string, isHeld: IsHeld<L>): Promise<Lock | undefined> {
  // If two processes found the same abandoned lock, the second could remove the new lock of the first. So a second lock, the
  // guard, lets only one process check and remove. That process may be killed too, so the guard may be abandoned as well.
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
    `Another sessapp command (process ${owner.pid}) is removing ${path}, and does not finish.`,
    'Resume or stop that process, then run the same command again.',
  );
}

/** Removes temporary files of processes that were killed while they took this lock. */
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
  if (!own) throw new Error('the identity of this process cannot be read');
  return own;
}

async function isAlive({ owner }: Lock, path: string): Promise<boolean> {
  return (await isOfThisMachine(owner)) ? isRunning(owner) : !(await isOlderThan(foreignMs, path));
}

/** Whether a file was last written more than `ms` ago. False when the file does not exist. */
export async function isOlderThan(ms: number, path: string): Promise<boolean> {
  const found = await orUndefined(stat(path), 'ENOENT');
  return found !== undefined && Date.now() - found.mtimeMs > ms;
}

function guardOf(path: string): string {
  return `${path}.guard`;
}

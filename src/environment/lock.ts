import { link, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { hasCode } from '../errors.ts';
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts';

/** Who changes files holds a lock for a fraction of a second: a short wait turns most collisions into an answer. */
const waitMs = 10_000;
const pollMs = 50;

/** A file that one living process owns; its content says which. */
export interface Lock {
  owner: ProcessIdentity;
}

/** Tells a lock that counts from one that is left over; `path` is where it is at this moment. */
type IsHeld<L extends Lock> = (holder: L, path: string) => Promise<boolean>;

/**
 * Takes the lock at `path` for this process. A lock whose owner is dead is taken over.
 * @returns the lock of the living process that holds it already, or undefined when this process has it now
 */
export async function acquireLock<L extends Lock>(
  path: string,
  content: Omit<L, 'owner'>,
  isHeld: IsHeld<L> = ({ owner }) => isRunning(owner),
): Promise<L | undefined> {
  const owner = await ownIdentity();
  const draft = uniqueBeside(path);
  try {
    await writeFile(draft, `${JSON.stringify({ ...content, owner })}\n`, { mode: 0o600 });
    for (;;) {
      if (await linkIfFree(draft, path)) return undefined;
      const text = await readIfThere(path);
      // It was released meanwhile; who moved it aside now might move the next one's.
      if (text === undefined) continue;
      const holder = parseLock<L>(text);
      if (holder && (await isHeld(holder, path))) return holder;
      await removeIfDead(path, isHeld);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/**
 * The same, but waits for a while until a holder lets go.
 * @returns the lock of the process that holds it still, or undefined when this process has it now
 */
export async function waitForLock(path: string, isHeld?: IsHeld<Lock>): Promise<Lock | undefined> {
  for (const end = Date.now() + waitMs; ; await wait(pollMs)) {
    const holder = await acquireLock(path, {}, isHeld);
    if (!holder || Date.now() > end) return holder;
  }
}

/** Undefined when there is none. */
export async function readLock<L extends Lock>(path: string): Promise<L | undefined> {
  return parseLock(await readIfThere(path));
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

// Undefined too for one that is damaged.
function parseLock<L extends Lock>(text = ''): L | undefined {
  try {
    return JSON.parse(text) as L;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Replaces the content of a lock that this process holds, in one step. */
export async function rewriteLock<L extends Lock>(path: string, content: L): Promise<void> {
  const draft = uniqueBeside(path);
  await writeFile(draft, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  await rename(draft, path);
}

export async function releaseLock(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** Removes a lock whose owner is dead. */
export async function removeIfDead<L extends Lock>(path: string, isHeld: IsHeld<L>): Promise<void> {
  // Two processes may find the same dead lock: the second one to move it might move the first one's fresh lock.
  const aside = uniqueBeside(path);
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  const moved = await readLock<L>(aside);
  if (moved && (await isHeld(moved, aside))) await linkIfFree(aside, path);
  await rm(aside, { force: true });
}

/** Removes what processes left that were killed while they asked for this lock. */
export async function removeDrafts(path: string): Promise<void> {
  const prefix = `${basename(path)}.`;
  for (const name of await listNames(dirname(path))) {
    const [, pid] = name.startsWith(prefix) ? (/^(\d+)\./.exec(name.slice(prefix.length)) ?? []) : [];
    if (pid === undefined) continue;
    const draft = join(dirname(path), name);
    const lock = await readLock(draft);
    const isAlive = lock ? await isRunning(lock.owner) : (await identify(Number(pid))) !== undefined;
    if (!isAlive) await rm(draft, { force: true });
  }
}

// A directory may be closed to who may write into it.
async function listNames(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: unknown) => {
    if (hasCode(error, 'EACCES')) return [];
    throw error;
  });
}

export async function ownIdentity(): Promise<ProcessIdentity> {
  const own = await identify(process.pid);
  if (!own) throw new Error('this process cannot see itself');
  return own;
}

// A hard link appears whole or not at all, and never replaces what is there.
async function linkIfFree(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

function uniqueBeside(path: string): string {
  return `${path}.${process.pid}.${Math.random().toString(36).slice(2, 10)}`;
}

import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hasCode } from '../errors.ts';
import { identify, isRunning, type ProcessIdentity } from './process-identity.ts';

/** A file that one living process owns; its content says which. */
export interface Lock {
  owner: ProcessIdentity;
}

/**
 * Takes the lock at `path` for this process. A lock whose owner is dead is taken over.
 * @param isHeld tells a lock that counts from one that is left over
 * @returns the lock of the living process that holds it already, or undefined when this process has it now
 */
export async function acquireLock<L extends Lock>(
  path: string,
  content: Omit<L, 'owner'>,
  isHeld: (holder: L) => Promise<boolean> = ({ owner }) => isRunning(owner),
): Promise<L | undefined> {
  const owner = await ownIdentity();
  const draft = uniqueBeside(path);
  await writeFile(draft, `${JSON.stringify({ ...content, owner })}\n`, { mode: 0o600 });
  try {
    for (;;) {
      if (await linkIfFree(draft, path)) return undefined;
      const holder = await readLock<L>(path);
      if (holder && (await isHeld(holder))) return holder;
      await setAside(path, isHeld);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** Undefined when there is none. */
export async function readLock<L extends Lock>(path: string): Promise<L | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as L;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR') || error instanceof SyntaxError) return undefined;
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

// Two processes may find the same dead lock: the second one to move it might move the first one's fresh lock.
async function setAside<L extends Lock>(path: string, isHeld: (holder: L) => Promise<boolean>): Promise<void> {
  const aside = uniqueBeside(path);
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  const moved = await readLock<L>(aside);
  if (moved && (await isHeld(moved))) await linkIfFree(aside, path);
  await rm(aside, { force: true });
}

function uniqueBeside(path: string): string {
  return `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
}

import { type FileHandle, link, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, UserError } from '../../errors.ts';

/** Writes a new file beside `path`, which `work` moves or links to its place. If it does not, the file goes. */
export async function withDraft<T>(
  path: string,
  content: string,
  mode: number,
  work: (draft: string) => Promise<T>,
): Promise<T> {
  const draft = `${path}.${process.pid}.${Math.random().toString(36).slice(2, 10)}`;
  try {
    await writeFile(draft, content, { mode });
    return await work(draft);
  } catch (error) {
    // The draft is gone when a person reads this.
    if (error instanceof Error && 'path' in error && error.path === draft) error.path = path;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** A hard link appears whole or not at all. False when something is there: unlike a rename it replaces nothing. */
export async function linkIfFree(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Whose a file is, and what may be done with it. */
export interface Ownership {
  uid: number;
  gid: number;
  mode: number;
}

/**
 * Puts a text in the place of a file, in one step, which is on the disk when this returns.
 * @param draft a path beside it, which one process at a time uses
 * @param ownership what the file is to keep; without it, it is its writer's alone
 * @param mayReplace is asked last
 * @returns false when it may not
 * @throws UserError when the file could not stay its owner's
 */
export async function replaceFile(
  path: string,
  draft: string,
  text: string,
  ownership: Ownership | undefined,
  mayReplace: () => Promise<boolean>,
): Promise<boolean> {
  // An interrupted change left it.
  await rm(draft, { force: true });
  try {
    await write(draft, text, (handle) => (ownership ? give(handle, path, ownership) : undefined));
    if (!(await mayReplace())) return false;
    await rename(draft, path);
  } catch (error) {
    throw hasCode(error, 'EBUSY') ? mounted(path) : error;
  } finally {
    await rm(draft, { force: true });
  }
  await syncDirectory(dirname(path));
  return true;
}

async function write(
  path: string,
  text: string,
  prepare: (handle: FileHandle) => Promise<void> | undefined,
): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await prepare(handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

// Who reads the file now, such as the user that the server runs as, must be able to read the next one.
async function give(handle: FileHandle, path: string, { uid, gid, mode }: Ownership): Promise<void> {
  const own = await handle.stat();
  try {
    if (own.uid !== uid || own.gid !== gid) await handle.chown(uid, gid);
  } catch (error) {
    if (!hasCode(error, 'EPERM')) throw error;
    throw new UserError(
      'not-the-owner',
      `${path} belongs to another user or group (${uid}:${gid}), who would lose it by this change.`,
      'Run the same command as its owner.',
    );
  }
  await handle.chmod(mode & 0o7777);
}

function mounted(path: string): UserError {
  return new UserError(
    'file-mounted',
    `${path} cannot be replaced: it is mounted, by a container perhaps.`,
    'Run the same command where the file itself is, outside of the container.',
  );
}

// A rename is on the disk once the directory is. Windows has no such thing.
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

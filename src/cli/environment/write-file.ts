import { type FileHandle, link, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, UserError } from '../../errors.ts';

/** Writes a temporary file next to `path`. `work` renames or links it to `path`; afterwards the temporary file is removed. */
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
    // The message must not name the draft, which no longer exists.
    if (error instanceof Error && 'path' in error && error.path === draft) error.path = path;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Makes a hard link, which is atomic. False when `to` exists: unlike rename, link never replaces a file. */
export async function linkIfFree(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** The owner, group and mode of a file. */
export interface Ownership {
  uid: number;
  gid: number;
  mode: number;
}

/**
 * Atomically replaces a file. The new content is on disk when this returns.
 * @param draft the path of the temporary file, in the same directory; only one process at a time may use it
 * @param ownership the owner, group and mode of the new file; without it, the file is private to this user
 * @param mayReplace called just before the replacement
 * @returns false when `mayReplace` returned false
 * @throws UserError when this user cannot preserve the owner of the file
 */
export async function replaceFile(
  path: string,
  draft: string,
  text: string,
  ownership: Ownership | undefined,
  mayReplace: () => Promise<boolean>,
): Promise<boolean> {
  // An interrupted change may have left it.
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

// Users who can read the file now, such as the user of the server, must be able to read the new one.
async function give(handle: FileHandle, path: string, { uid, gid, mode }: Ownership): Promise<void> {
  const own = await handle.stat();
  try {
    if (own.uid !== uid || own.gid !== gid) await handle.chown(uid, gid);
  } catch (error) {
    if (!hasCode(error, 'EPERM')) throw error;
    throw new UserError(
      'not-the-owner',
      `${path} belongs to another user or group (${uid}:${gid}), who would lose access to it.`,
      'Run the same command as its owner.',
    );
  }
  await handle.chmod(mode & 0o7777);
}

function mounted(path: string): UserError {
  return new UserError(
    'file-mounted',
    `${path} cannot be replaced: it is a mount point, perhaps of a container.`,
    'Run the same command outside the container, where the file is.',
  );
}

// A rename is durable only after fsync of the directory. Windows does not support that.
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

import { randomUUID } from 'node:crypto';
import { chmod, chown, link, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { orUndefined } from '../../errors.ts';
import { verifyWhole } from './damage.ts';

const dataName = 'data.mdb';
const lockName = 'lock.mdb';
/** The size of LMDB's lock file for 1024 readers, in whole pages. */
const lockBytes = 68 * 1024;
/** Disk space for the first pages of the data file. */
const dataBytes = 128 * 1024;

/**
 * Prepares the directory of the store's files for LMDB, with access only for its user. Damaged files and a full disk are errors
 * here, because in LMDB they would kill the process.
 */
export async function prepareFiles(directory: string): Promise<void> {
  const parent = dirname(directory);
  if (await mkdir(parent, { recursive: true, mode: 0o700 })) await giveToOwner(parent);
  const isNew = await orUndefined(
    mkdir(directory, { mode: 0o700 }).then(() => true),
    'EEXIST',
  );
  if (isNew) await giveToOwner(directory);
  await chmod(directory, 0o700);
  const data = join(directory, dataName);
  if (((await orUndefined(stat(data), 'ENOENT'))?.size ?? 0) > 0) await verifyWhole(data);
  else await reserve(directory);
}

/** Removes the access of other users to the files that LMDB created. */
export async function keepPrivate(directory: string): Promise<void> {
  for (const path of [dataName, lockName].map((name) => join(directory, name))) {
    await chmod(path, 0o600);
    await giveToOwner(path);
  }
}

// Files that root creates in another user's directory are given to that user: a command may run as root before the server starts.
async function giveToOwner(path: string): Promise<void> {
  if (process.getuid?.() !== 0 || (await stat(path)).uid !== 0) return;
  const { uid, gid } = await stat(dirname(path));
  if (uid !== 0) await chown(path, uid, gid);
}

// LMDB maps its lock file into memory, where a full disk causes a SIGBUS. So create the file with its blocks allocated.
async function reserve(directory: string): Promise<void> {
  const path = join(directory, `${lockName}.${randomUUID()}`);
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(Buffer.alloc(lockBytes + dataBytes));
    await file.truncate(lockBytes);
    await orUndefined(link(path, join(directory, lockName)), 'EEXIST');
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

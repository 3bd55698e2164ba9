import { randomUUID } from 'node:crypto';
import { chmod, chown, link, mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { orUndefined } from '../../errors.ts';
import { verifyWhole } from './damage.ts';

const dataName = 'data.mdb';
const lockName = 'lock.mdb';
/** What LMDB's lock file takes for 1024 readers, in whole pages. */
const lockBytes = 68 * 1024;
/** The first pages of the data. */
const dataBytes = 128 * 1024;

/**
 * Makes the directory of the store's files ready for LMDB, and for its user alone. What LMDB cannot use, or has no room
 * for, is an error here: there it would end the process.
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

/** Takes the files that LMDB made from everybody else. */
export async function keepPrivate(directory: string): Promise<void> {
  for (const path of [dataName, lockName].map((name) => join(directory, name))) {
    await chmod(path, 0o600);
    await giveToOwner(path);
  }
}

// What root makes where another user's server is to run belongs to that user: a command may come before the server.
async function giveToOwner(path: string): Promise<void> {
  if (process.getuid?.() !== 0 || (await stat(path)).uid !== 0) return;
  const { uid, gid } = await stat(dirname(path));
  if (uid !== 0) await chown(path, uid, gid);
}

// LMDB writes to its lock file through memory, where a full disk is a SIGBUS: so it gets one that is on the disk already.
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

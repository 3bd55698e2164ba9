import { chmod, mkdtemp, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RootDatabase } from 'lmdb';

/** Writes a consistent copy of an LMDB file to a new file that only the user can read. Processes may write meanwhile. */
export async function copyTo(root: RootDatabase, file: string): Promise<void> {
  // LMDB copies into a directory and creates a file that everyone can read.
  const directory = await mkdtemp(`${file}.`);
  const copy = join(directory, 'data.mdb');
  try {
    // Do not compact the copy: compaction has damaged copies (kriszyp/lmdb-js#198).
    await root.backup(directory, false);
    await chmod(copy, 0o600);
    await flush(copy);
    await rename(copy, file);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function flush(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

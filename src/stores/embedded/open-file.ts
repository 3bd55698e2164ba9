import { open as openLmdb, type RootDatabase } from 'lmdb';
import { Commits } from './commits.ts';
import { keepPrivate, prepareFiles } from './files.ts';
import { OpenCloseLock } from './open-close-lock.ts';
import { Writes } from './writes.ts';

/** An open LMDB file. Other processes may have it open too. */
export interface OpenFile<T> {
  root: RootDatabase;
  /** The result of `openTables`. */
  tables: T;
  /** Runs `work` in a transaction; no other process writes meanwhile. Resolves after the changes are on disk. */
  write<T>(work: () => T): Promise<T>;
  close(): Promise<void>;
}

const options = {
  // With this setting, an awaited write is on disk, not only in memory.
  overlappingSync: false,
  // Its batches are promises that nothing awaits, so a failed commit would terminate the process.
  eventTurnBatching: false,
  maxReaders: 1024,
  // Address space, not disk space. It is large so that processes never have to agree on a larger map while they run.
  mapSize: 2 ** 36,
};

/**
 * @param directory the directory of the files; it is created if it is missing. A process must not open it twice
 * @param openTables opens the databases in the file. LMDB creates a missing one with a commit, so this runs under the lock
 */
export async function openFile<T>(directory: string, openTables: (root: RootDatabase) => T): Promise<OpenFile<T>> {
  await prepareFiles(directory);
  const openCloseLock = new OpenCloseLock(directory);
  const commits = new Commits(directory);
  return openCloseLock.run(async () => {
    try {
      await commits.settle();
      const root = commits.keep(() => openLmdb({ path: directory, ...options }));
      await keepPrivate(directory);
      const tables = openTables(root);
      const writes = new Writes(root, openCloseLock, commits);
      return { root, tables, write: (work) => writes.run(work), close: () => close(root, openCloseLock, commits) };
    } catch (error) {
      commits.close();
      throw error;
    }
  });
}

async function close(root: RootDatabase, openCloseLock: OpenCloseLock, commits: Commits): Promise<void> {
  await openCloseLock.run(() => root.close());
  commits.close();
}

import { open as openLmdb, type RootDatabase } from 'lmdb';
import { Commits } from './commits.ts';
import { keepPrivate, prepareFiles } from './files.ts';
import { OpenCloseLock } from './open-close-lock.ts';
import { Writes } from './writes.ts';

/** An LMDB file that this process has open, with any number of other processes. */
export interface OpenFile<T> {
  root: RootDatabase;
  /** What `openTables` returned. */
  tables: T;
  /** Runs `work` in a transaction, in which nobody else writes. Resolves once it is on the disk. */
  write<T>(work: () => T): Promise<T>;
  close(): Promise<void>;
}

const options = {
  // An awaited write is then on the disk, not only in memory.
  overlappingSync: false,
  // Its batches are promises that nobody waits for: a failed commit would end the process.
  eventTurnBatching: false,
  maxReaders: 1024,
  // Address space, not disk: so large that processes need not agree on a larger map while they run.
  mapSize: 2 ** 36,
};

/**
 * @param directory where its files are; it is made where it is missing. A process must not open it twice
 * @param openTables opens the databases in the file. LMDB makes one that is missing by a commit, so nobody else commits meanwhile
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

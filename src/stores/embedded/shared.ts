import type { Driver } from '../driver.ts';
import { wrap } from '../wrap.ts';

interface Shared {
  opened: Promise<Driver>;
  users: number;
}

const inUse = new Map<string, Shared>();
const closing = new Map<string, Promise<void>>();

/**
 * Returns the same driver to all users of a directory in this process. It closes when the last user closes it. LMDB's locks
 * belong to the process: a process that opens the file twice loses its locks, and other processes assume that it has exited.
 * @param path the directory as an absolute path
 */
export async function openShared(path: string, open: (path: string) => Promise<Driver>): Promise<Driver> {
  const shared = inUse.get(path) ?? { opened: openAfterClose(path, open), users: 0 };
  inUse.set(path, shared);
  shared.users += 1;
  try {
    return closingOnce(await shared.opened, () => release(path, shared));
  } catch (error) {
    // The next call tries again.
    if (inUse.get(path) === shared) inUse.delete(path);
    throw error;
  }
}

async function openAfterClose(path: string, open: (path: string) => Promise<Driver>): Promise<Driver> {
  // The caller of that close handles its failure.
  await Promise.allSettled([closing.get(path)]);
  return open(path);
}

async function release(path: string, shared: Shared): Promise<void> {
  shared.users -= 1;
  if (shared.users > 0) return;
  inUse.delete(path);
  const closed = shared.opened.then((driver) => driver.close()).finally(() => closing.delete(path));
  closing.set(path, closed);
  await closed;
}

function closingOnce(driver: Driver, close: () => Promise<void>): Driver {
  let closed: Promise<void> | undefined;
  return {
    ...wrap((call) => call(driver)),
    close() {
      closed ??= close();
      return closed;
    },
  };
}

import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { orUndefined } from '../../errors.ts';
import type { Driver } from '../driver.ts';
import { StoreReplaced } from '../errors.ts';
import { wrap } from '../wrap.ts';

/** Wraps a driver: `ping` fails when the files at its path are no longer the files that it opened. */
export async function verifyingFiles(driver: Driver, directory: string): Promise<Driver> {
  const opened = await identify(directory);
  return {
    ...wrap((call) => call(driver)),
    async ping() {
      if ((await identify(directory)) !== opened && !(await isMoved(directory))) throw new StoreReplaced(directory);
      await driver.ping();
    },
  };
}

/** Identifies the files by device and inode. */
async function identify(directory: string): Promise<string> {
  const found = ['data.mdb', 'lock.mdb'].map(async (name) => {
    const file = await orUndefined(stat(join(directory, name), { bigint: true }), 'ENOENT', 'ENOTDIR');
    return file && `${file.dev} ${file.ino}`;
  });
  return (await Promise.all(found)).join();
}

// An environment may be moved while its server runs. Then its directory does not exist at the old path.
async function isMoved(directory: string): Promise<boolean> {
  return (await orUndefined(stat(dirname(dirname(directory))), 'ENOENT', 'ENOTDIR')) === undefined;
}

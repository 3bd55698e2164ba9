import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { orUndefined } from '../../errors.ts';
import type { Driver } from '../driver.ts';
import { StoreReplaced } from '../errors.ts';
import { wrap } from '../wrap.ts';

/** The driver, whose `ping` fails once the files that it opened are not those at their path any more. */
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

/** Two files are one when they have the same device and inode. */
async function identify(directory: string): Promise<string> {
  const found = ['data.mdb', 'lock.mdb'].map(async (name) => {
    const file = await orUndefined(stat(join(directory, name), { bigint: true }), 'ENOENT', 'ENOTDIR');
    return file && `${file.dev} ${file.ino}`;
  });
  return (await Promise.all(found)).join();
}

// An environment may be moved as a whole while its server runs: its directory is not at the old path then.
async function isMoved(directory: string): Promise<boolean> {
  return (await orUndefined(stat(dirname(dirname(directory))), 'ENOENT', 'ENOTDIR')) === undefined;
}

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { orUndefined, UserError } from '../../errors.ts';
import type { Driver } from '../../stores/driver.ts';
import type { Environment } from '../environment/find.ts';

/**
 * True for an embedded store that no server has made yet. To open it would make it, with its directories, for the user
 * who asks: the server's own user could not use it then.
 */
export async function hasNoStore({ directory, marker }: Environment): Promise<boolean> {
  if (marker.store !== 'embedded' || marker.migration) return false;
  const file = join(directory, 'data', 'sessions', 'data.mdb');
  return (await orUndefined(stat(file), 'ENOENT')) === undefined;
}

/** In the place of a store that is not there: it has no sessions, and takes none. */
export const noStore: Driver = {
  read: async () => undefined,
  create: async () => false,
  update: async () => false,
  touch: async () => undefined,
  delete: async () => undefined,
  setAside: async () => undefined,
  list: () => Readable.from([]),
  prune: async () => 0,
  countSetAside: async () => 0,
  async backup() {
    const fact = 'There is no store yet, and nothing to back up.';
    throw new UserError('no-store', fact, 'The server makes its store when it first starts.');
  },
  ping: async () => undefined,
  close: async () => undefined,
};

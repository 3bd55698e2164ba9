import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { orUndefined, UserError } from '../../errors.ts';
import type { Driver } from '../../stores/driver.ts';
import type { Environment } from '../environment/find.ts';

/**
 * True for an embedded store that no server has created yet. Opening it would create it, owned by the user of this command,
 * and the server's user could not use it.
 */
export async function hasNoStore({ directory, marker }: Environment): Promise<boolean> {
  if (marker.store !== 'embedded' || marker.migration) return false;
  const file = join(directory, 'data', 'sessions', 'data.mdb');
  return (await orUndefined(stat(file), 'ENOENT')) === undefined;
}

/** Stands in for a missing store: it has no sessions and accepts none. */
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
    const fact = 'There is no store yet, so there is nothing to back up.';
    throw new UserError('no-store', fact, 'The server creates the store when it first starts.');
  },
  ping: async () => undefined,
  close: async () => undefined,
};

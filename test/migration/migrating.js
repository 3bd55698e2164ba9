// The two stores of a running migration, as the processes of the contract suite open them. Both are embedded.
import { join } from 'node:path';
import { MigratingDriver } from '../../dist/migration/migrating-driver.js';
import { open as openEmbedded } from '../../dist/stores/embedded/driver.js';

export async function open(directory) {
  const [from, to] = await Promise.all(['from', 'to'].map((name) => openEmbedded(join(directory, name))));
  return new MigratingDriver(from, to, 'move');
}

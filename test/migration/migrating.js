// The two stores of a move, as the contract's own processes open them: both are embedded, and the move is going on.
import { join } from 'node:path';
import { MigratingDriver } from '../../dist/migration/migrating-driver.js';
import { open as openEmbedded } from '../../dist/stores/embedded/driver.js';

export async function open(directory) {
  const [from, to] = await Promise.all(['from', 'to'].map((name) => openEmbedded(join(directory, name))));
  return new MigratingDriver(from, to, 'move');
}

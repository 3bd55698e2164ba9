// The two stores of a move, as the contract's own processes open them: both are embedded, and the move is going on.
import { join } from 'node:path';
import { MigratingDriver } from '../../dist/templates/session/migrating-driver.js';
import { open as openEmbedded } from '../../dist/templates/stores/embedded/embedded.js';

export async function open({ dataDirectory }) {
  const [from, to] = await Promise.all(
    ['from', 'to'].map((name) => openEmbedded({ dataDirectory: join(dataDirectory, name) })),
  );
  return new MigratingDriver(from, to, 'move');
}

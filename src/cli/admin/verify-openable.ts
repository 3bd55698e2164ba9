import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { System } from '../../system.ts';
import type { Environment } from '../environment/find.ts';
import { packageOf } from '../environment/readiness.ts';
import { packageDirectory } from '../package.ts';
import { restore, StoreUnavailable } from './store-errors.ts';

/** How long opening a store may take: a suspended process may hold the writers' lock. */
const openMs = 10_000;

/**
 * Verifies in a child process that the embedded store can be opened. LMDB takes the writers' lock in a call that blocks the
 * whole process, and a damaged file can crash it with a signal. Any other failure is ignored here: it will happen again in
 * this process, as an error with a message.
 * @throws StoreUnavailable when the child does not finish, or a signal ended it
 */
export async function verifyOpenable(system: System, environment: Environment): Promise<void> {
  const directory = join(environment.directory, 'data', 'sessions');
  // Without this file, no process has the store open.
  if (!existsSync(join(directory, 'lock.mdb'))) return;
  const driver = pathToFileURL(join(packageOf(environment), 'dist', 'stores', 'embedded', 'driver.js')).href;
  const child = system.start(process.execPath, [probePath, driver, directory], {
    env: withoutNodeOptions(system.env),
    stdio: 'ignore',
    timeout: openMs,
    killSignal: 'SIGKILL',
  });
  const signal = await new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject).once('exit', (_, by) => resolve(by));
  });
  if (signal === null) return;
  if (signal !== 'SIGKILL') throw new StoreUnavailable(`its file is damaged (${signal})`, restore, 'unclear');
  throw new StoreUnavailable(
    'another process holds its lock and does not release it',
    'Look for a process of this environment that is suspended or waits for its disk.',
    'lock-held',
  );
}

const probePath = join(packageDirectory, 'dist', 'cli', 'open-probe.js');

// Options for the user's own programs, such as a debugger, would disturb this child.
function withoutNodeOptions({ NODE_OPTIONS: _, ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return env;
}

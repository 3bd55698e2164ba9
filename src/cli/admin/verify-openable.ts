import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { System } from '../../system.ts';
import type { Environment } from '../environment/find.ts';
import { packageOf } from '../environment/readiness.ts';
import { packageDirectory } from '../package.ts';
import { restore, StoreUnavailable } from './store-errors.ts';

/** How long opening a store may take: the lock of its writers may be in the hands of a process that was stopped. */
const openMs = 10_000;

/**
 * Makes sure that opening the embedded store comes to an end. To open an LMDB file takes the lock of its writers, in a
 * call that blocks the whole process; and a file that is damaged deep inside can end a process by a signal. So another
 * process goes first. What fails there in any other way fails here too, in words.
 * @throws StoreUnavailable when it does not come to an end, or a signal ended it
 */
export async function verifyOpenable(system: System, environment: Environment): Promise<void> {
  const directory = join(environment.directory, 'data', 'sessions');
  // Without it nobody has the store open.
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
  if (signal !== 'SIGKILL') throw new StoreUnavailable(`its file is damaged (${signal})`, restore);
  throw new StoreUnavailable(
    'another process has its lock, and does not go on',
    'Look for a process of this environment that was stopped, or waits for its disk.',
  );
}

const probePath = join(packageDirectory, 'dist', 'cli', 'open-probe.js');

// What is meant for the user's own programs, such as a debugger, is in the way here.
function withoutNodeOptions({ NODE_OPTIONS: _, ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return env;
}

import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { UserError } from '../../errors.ts';
import type { System } from '../../system.ts';
import { findRunningServer, isListening } from '../control/server-record.ts';
import type { Environment } from '../environment/find.ts';
import { commandLine } from '../shells/shells.ts';

/** The server asks its store for a second at most. */
const waitMs = 2000;

/**
 * A running server goes on with the files that it opened when these are removed or replaced, and is not ready then: a
 * command would list, and end, the sessions of other files.
 * @throws UserError when the environment's server says that it is not ready
 */
export async function verifyServerReady(system: System, environment: Environment): Promise<void> {
  const server = await findRunningServer(environment);
  if (!server || !isListening(server) || !(await isUnready(server.url))) return;
  const { directory } = environment;
  const [stop, start] = await Promise.all([
    commandLine(system, directory, 'stop'),
    commandLine(system, directory, 'serve', '--background'),
  ]);
  throw new UserError(
    'server-not-ready',
    `The server at ${server.url} is not ready: it may use other files than those in ${directory}/data/sessions now.`,
    `Its log says why. To have it open the files that are there: ${stop}, then ${start}`,
  );
}

// Whatever else it says, or when it says nothing, is no reason to refuse. An application may have a /readyz of its own.
async function isUnready(url: string): Promise<boolean> {
  try {
    const sent = get(`${url}/readyz`, { agent: false, signal: AbortSignal.timeout(waitMs) });
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const body = (await response.setEncoding('utf8').toArray()).join('');
    return response.statusCode === 503 && body === 'not ready\n';
  } catch {
    return false;
  }
}

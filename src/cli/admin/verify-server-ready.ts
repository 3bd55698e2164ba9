import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { UserError } from '../../errors.ts';
import type { System } from '../../system.ts';
import { findRunningServer, isListening } from '../control/server-record.ts';
import type { Environment } from '../environment/find.ts';
import { commandLine } from '../shells/shells.ts';

/** The server waits for its store for one second at most. */
const waitMs = 2000;

/**
 * Checks that a running server is ready. When its store files are removed or replaced, the server keeps using the files that
 * it opened and reports that it is not ready. A command would then list and end the sessions of other files.
 * @throws UserError when the environment's server reports that it is not ready
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
    `The server at ${server.url} is not ready. It may use other files than those now in ${directory}/data/sessions.`,
    `Its log says why. To make it open the current files: ${stop}, then ${start}`,
  );
}

// Any other response, or none, is not a reason to refuse: the application may have its own /readyz.
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

import { closeSync, openSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { orUndefined, UserError } from '../../errors.ts';
import type { System } from '../../system.ts';
import type { Environment } from '../environment/find.ts';
import { identify } from '../environment/process-identity.ts';
import { type RunningServer, type ServerOptions, startServer } from './server-process.ts';
import { logFile, recordListening } from './server-record.ts';
import { readTail } from './tail.ts';

/**
 * Starts the server, and leaves it running once it listens. What it prints goes to its log. Nobody sees it end, so that
 * it has at least one worker: another takes the place of one that dies, and of one that is to be reloaded.
 * @throws UserError with its reason, and the end of its log, when it does not start
 */
export async function startInBackground(
  system: System,
  environment: Environment,
  options: ServerOptions,
): Promise<RunningServer> {
  const server = await startWithLog(system, environment, { ...options, hasWorkers: true });
  try {
    const owner = await identify(server.pid);
    if (owner) await recordListening(environment, server, system.now(), owner);
    system.catchInterrupts().throwIfAborted();
    await server.detach();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function startWithLog(system: System, environment: Environment, options: ServerOptions): Promise<RunningServer> {
  const path = logFile(environment);
  // The log of the server before is kept.
  await orUndefined(rename(path, `${path}.1`), 'ENOENT');
  const log = openSync(path, 'a', 0o600);
  try {
    return await startServer(system, environment, { ...options, output: log });
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'server-failed') throw error;
    const tail = (await readTail(path, 15)) ?? '';
    throw new UserError(error.code, [error.message, tail].filter(Boolean).join('\n'), `The whole log: ${path}`);
  } finally {
    closeSync(log);
  }
}

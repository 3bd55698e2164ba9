import { UserError } from '../../errors.ts';
import type { System } from '../../system.ts';
import { findPossiblyBroken, promptOf } from '../environment/find.ts';
import { commandLine } from '../shells/shells.ts';
import {
  type EnvironmentDirectory,
  findRunningServer,
  isListening,
  type ListeningServer,
  type ServerRecord,
} from './server-record.ts';

/** An environment and its running server, even if its `sessapp.json` is damaged or missing. */
export interface ServedEnvironment extends EnvironmentDirectory {
  /** The name in the activated prompt. */
  name: string;
  /** Undefined when no server runs. */
  server: ServerRecord | undefined;
}

/**
 * Finds the environment that the command line names, and its server. A server keeps running when its `sessapp.json` is
 * damaged or deleted, so commands can still show and stop it.
 * @param named as for `findEnvironment`
 * @throws UserError when there is no environment, or its sessapp.json is damaged and no server runs
 */
export async function findServed(system: System, ...named: (string | undefined)[]): Promise<ServedEnvironment> {
  const found = await findPossiblyBroken(system, ...named);
  const server = await findRunningServer(found);
  if (!server && found.failure) throw found.failure;
  return { directory: found.directory, name: promptOf(found), server };
}

/** @throws UserError when no server runs, or the server does not listen yet */
export async function verifyListening(
  system: System,
  { directory, server }: ServedEnvironment,
): Promise<ListeningServer> {
  if (server && isListening(server)) return server;
  if (server) throw notListening(directory);
  const start = await commandLine(system, directory, 'serve', '--background');
  throw new UserError('not-running', `The server of ${directory} is not running.`, `To start it: ${start}`);
}

/** The error of a command that needs a listening server. */
export function notListening(directory: string): UserError {
  return new UserError('starting', `The server of ${directory} does not respond yet.`, 'Wait until it does.');
}

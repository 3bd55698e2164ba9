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

/** An environment and the server that runs in it, whatever became of its `sessapp.json`. */
export interface ServedEnvironment extends EnvironmentDirectory {
  /** What an activated prompt shows. */
  name: string;
  /** Undefined when no server runs. */
  server: ServerRecord | undefined;
}

/**
 * The environment that a command means, and its server. A server goes on when its `sessapp.json` is damaged or deleted,
 * and can still be looked at and stopped.
 * @param named as for `findEnvironment`
 * @throws UserError when there is no environment, or its sessapp.json is damaged and no server runs
 */
export async function findServed(system: System, ...named: (string | undefined)[]): Promise<ServedEnvironment> {
  const found = await findPossiblyBroken(system, ...named);
  const server = await findRunningServer(found);
  if (!server && found.failure) throw found.failure;
  return { directory: found.directory, name: promptOf(found), server };
}

/** @throws UserError when no server runs, or it does not listen yet */
export async function verifyListening(
  system: System,
  { directory, server }: ServedEnvironment,
): Promise<ListeningServer> {
  if (server && isListening(server)) return server;
  if (server) throw notListening(directory);
  const start = await commandLine(system, directory, 'serve', '--background');
  throw new UserError('not-running', `The server of ${directory} does not run.`, `To start it: ${start}`);
}

/** The failure of a command that needs a server which listens. */
export function notListening(directory: string): UserError {
  return new UserError('starting', `The server of ${directory} does not respond yet.`, 'Wait until it does.');
}

import { toUserError } from '../../errors.ts';
import { type CountsState, countsFile } from '../../server/metrics/counts.ts';
import { type Migration, requireMarker } from '../../settings/marker.ts';
import { findRunningServer, isListening } from '../control/server-record.ts';
import { readState } from '../control/state.ts';
import { countWorkers } from '../control/workers.ts';
import { type Environment, promptOf } from '../environment/find.ts';

export interface Failure {
  message: string;
  hint?: string;
}

export interface Overview {
  name: string;
  store: string;
  migration?: Migration;
}

export interface ServerState {
  url: string;
  pid: number;
  sinceMs: number;
  workers: number;
  ready: number;
}

/** Reads the current settings in `sessapp.json`. */
export async function readOverview({ directory }: Environment): Promise<Overview> {
  const marker = await requireMarker(directory);
  const { store, migration } = marker;
  return { name: promptOf({ directory, marker }), store, ...(migration && { migration }) };
}

/** Undefined when no server listens. */
export async function readServer(environment: Environment): Promise<ServerState | undefined> {
  const server = await findRunningServer(environment);
  if (!server || !isListening(server)) return undefined;
  const { url, pid, sinceMs } = server;
  return { url, pid, sinceMs, ...(await countWorkers(environment, server)) };
}

/** The counters of the running server; undefined when no server runs or it has no counters. */
export async function readCounts(environment: Environment): Promise<CountsState | undefined> {
  const server = await findRunningServer(environment);
  return server && readState<CountsState>(environment, server, countsFile);
}

/** @throws the error itself when it is a bug */
export function toFailure(error: unknown): Failure {
  const expected = toUserError(error);
  if (!expected) throw error;
  const { message, hint } = expected;
  return { message, ...(hint !== undefined && { hint }) };
}

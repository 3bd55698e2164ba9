import { mkdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { orUndefined } from '../../errors.ts';
import { isThere } from '../../files.ts';
import type { Environment } from '../environment/find.ts';
import {
  acquireLock,
  type Lock,
  ownIdentity,
  readLock,
  releaseLock,
  removeIfDead,
  rewriteLock,
} from '../environment/lock.ts';
import {
  identify,
  isRunning,
  killGroup,
  type ProcessIdentity,
  signalIfRunning,
} from '../environment/process-identity.ts';

/** What is known of the server that `serve` started: `data/server.json`. Its owner is the process to signal. */
export interface ServerRecord extends Lock {
  /** The inode of `data/`: a copy of the environment is another one, and releases that share their data are one. */
  inode: number;
  /** The environment that it serves, absolute: of several that share their data it is one. */
  directory?: string;
  background: boolean;
  /** It was started with SESSION_SECRET set, which wins over `.env` while it runs. */
  hasOwnSecret: boolean;
  /** The same of STORE_URL. */
  hasOwnStoreUrl?: boolean;
  /** These are there once it listens. */
  pid?: number;
  url?: string;
  /** When it began to listen, in milliseconds since 1970. */
  sinceMs?: number;
}

/** The record of a server that accepts connections. */
export type ListeningServer = ServerRecord & Required<Pick<ServerRecord, 'pid' | 'url' | 'sinceMs'>>;

/** Also an environment whose `sessapp.json` cannot be read. */
export type EnvironmentDirectory = Pick<Environment, 'directory'>;

/** False while the server is being started, and under `--watch` while it waits for a change. */
export function isListening(record: ServerRecord): record is ListeningServer {
  return record.pid !== undefined && record.url !== undefined && record.sinceMs !== undefined;
}

/** Where the server writes what it prints when it runs in the background. */
export function logFile({ directory }: EnvironmentDirectory): string {
  return join(directory, 'data', 'server.log');
}

/**
 * Makes this process the one that serves the environment.
 * @returns the record of the server that runs already, if one does
 */
export async function claimServer(
  environment: Environment,
  about: Pick<ServerRecord, 'background' | 'hasOwnSecret' | 'hasOwnStoreUrl'>,
): Promise<ServerRecord | undefined> {
  await mkdir(join(environment.directory, 'data'), { recursive: true, mode: 0o700 });
  const inode = await inodeOf(environment);
  const directory = await realpath(environment.directory);
  const isHeld = (holder: ServerRecord): Promise<boolean> => isCurrent(environment, holder);
  return acquireLock<ServerRecord>(recordFile(environment), { inode, directory, ...about }, isHeld);
}

/** The record of the server that runs in this environment. One that crashed, or whose pid is another's now, is none. */
export async function findRunningServer(environment: EnvironmentDirectory): Promise<ServerRecord | undefined> {
  const record = await readLock<ServerRecord>(recordFile(environment));
  return record && (await isCurrent(environment, record)) ? record : undefined;
}

/**
 * Notes where the server is.
 * @param owner the process to signal, when it is no longer this one
 */
export async function recordListening(
  environment: Environment,
  { pid, url }: { pid: number; url: string },
  sinceMs: number,
  owner?: ProcessIdentity,
): Promise<void> {
  const record = await readLock<ServerRecord>(recordFile(environment));
  if (!record) return;
  await rewriteLock(recordFile(environment), { ...record, pid, url, sinceMs, ...(owner && { owner }) });
}

/** Notes that no server listens at present: this process starts it anew at the next change. */
export async function recordDown(environment: Environment): Promise<void> {
  const record = await readLock<ServerRecord>(recordFile(environment));
  if (!record) return;
  const { pid: _, url: __, sinceMs: ___, ...rest } = record;
  await rewriteLock(recordFile(environment), rest);
}

/** Removes the record that this process made: the server is gone. The directory may be another one by now. */
export async function forgetServer(environment: Environment): Promise<void> {
  const record = await readLock<ServerRecord>(recordFile(environment));
  // In another container another process may have the same pid.
  if (isDeepStrictEqual(record?.owner, await ownIdentity())) await releaseLock(recordFile(environment));
}

async function isCurrent(environment: EnvironmentDirectory, { owner, inode }: ServerRecord): Promise<boolean> {
  // It may be removed at any moment, with the record in it.
  return inode === (await orUndefined(inodeOf(environment), 'ENOENT')) && (await isRunning(owner));
}

async function inodeOf({ directory }: EnvironmentDirectory): Promise<number> {
  return (await stat(join(directory, 'data'))).ino;
}

/** Where else the server runs, ` from <directory>`; empty where it serves this environment. It may have been moved. */
export async function describeOrigin({ directory }: EnvironmentDirectory, record: ServerRecord): Promise<string> {
  const from = record.directory;
  return from === undefined || from === (await realpath(directory)) || !(await isThere(from)) ? '' : ` from ${from}`;
}

/** Where the record is. */
export function recordFile({ directory }: EnvironmentDirectory): string {
  return join(directory, 'data', 'server.json');
}

/** How long a server that was asked to stop may take, and how often to look, in milliseconds. */
const stopMs = 10_000;
const pollMs = 50;

/**
 * Asks the server to stop, waits until it is gone, and removes its record.
 * @returns true when it had to be ended for good
 */
export async function stopServer(environment: EnvironmentDirectory, record: ServerRecord): Promise<boolean> {
  const forced = await stopRecorded(record);
  await removeIfDead<ServerRecord>(recordFile(environment), (holder) => isCurrent(environment, holder));
  return forced;
}

async function stopRecorded({ owner, pid }: ServerRecord): Promise<boolean> {
  const server = pid === undefined ? undefined : await identify(pid);
  await signalIfRunning(owner, 'SIGTERM');
  // One that was suspended with Ctrl-Z has to go on to hear of it.
  await signalIfRunning(owner, 'SIGCONT');
  if (await isGoneWithin(stopMs, owner)) return false;
  await signalIfRunning(owner, 'SIGKILL');
  if (server && (await isRunning(server))) killGroup(server.pid);
  await isGoneWithin(stopMs, owner);
  return true;
}

async function isGoneWithin(ms: number, owner: ProcessIdentity): Promise<boolean> {
  for (const deadlineMs = Date.now() + ms; Date.now() < deadlineMs; await wait(pollMs)) {
    if (!(await isRunning(owner))) return true;
  }
  return false;
}

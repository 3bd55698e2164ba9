import { mkdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { hasCode, orUndefined, UserError } from '../../errors.ts';
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

/** The server that `serve` started, as recorded in `data/server.json`. Its owner is the process to signal. */
export interface ServerRecord extends Lock {
  /** The inode of `data/`. It differs in a copy of the environment, and is the same in releases that share their data. */
  inode: number;
  /** The absolute path of the environment that it serves: one of them if several share their data. */
  directory?: string;
  background: boolean;
  /** Whether it was started with SESSION_SECRET set, which wins over `.env` while it runs. */
  hasOwnSecret: boolean;
  /** Whether it was started with STORE_URL set. */
  hasOwnStoreUrl?: boolean;
  /** `pid`, `url` and `sinceMs` are set once it listens. */
  pid?: number;
  url?: string;
  /** When it began to listen, in milliseconds since 1970. */
  sinceMs?: number;
}

/** The record of a server that accepts connections. */
export type ListeningServer = ServerRecord & Required<Pick<ServerRecord, 'pid' | 'url' | 'sinceMs'>>;

/** An environment, also one whose `sessapp.json` cannot be read. */
export type EnvironmentDirectory = Pick<Environment, 'directory'>;

/** False while the server is starting, and while `serve --watch` waits for a change. */
export function isListening(record: ServerRecord): record is ListeningServer {
  return record.pid !== undefined && record.url !== undefined && record.sinceMs !== undefined;
}

/** The file that gets the output of a server in the background. */
export function logFile({ directory }: EnvironmentDirectory): string {
  return join(directory, 'data', 'server.log');
}

/**
 * Makes this process the server of the environment.
 * @returns the record of a server that is running already, else undefined
 */
export async function claimServer(
  environment: Environment,
  about: Pick<ServerRecord, 'background' | 'hasOwnSecret' | 'hasOwnStoreUrl'>,
): Promise<ServerRecord | undefined> {
  const data = join(environment.directory, 'data');
  await mkdir(data, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
    throw new UserError(
      'data-not-directory',
      `${data} is not a directory.`,
      'Rename it: sessions are stored in data/.',
    );
  });
  const inode = await inodeOf(environment);
  const directory = await realpath(environment.directory);
  const isHeld = (holder: ServerRecord): Promise<boolean> => isCurrent(environment, holder);
  return acquireLock<ServerRecord>(recordFile(environment), { inode, directory, ...about }, isHeld);
}

/** The record of the running server. Undefined for a server that crashed, also when another process has its pid now. */
export async function findRunningServer(environment: EnvironmentDirectory): Promise<ServerRecord | undefined> {
  const record = await readLock<ServerRecord>(recordFile(environment));
  return record && (await isCurrent(environment, record)) ? record : undefined;
}

/**
 * Records that the server listens.
 * @param owner the process to signal, if that is no longer this process
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

/** Records that no server listens now. This process restarts it at the next change. */
export async function recordDown(environment: Environment): Promise<void> {
  const record = await readLock<ServerRecord>(recordFile(environment));
  if (!record) return;
  const { pid: _, url: __, sinceMs: ___, ...rest } = record;
  await rewriteLock(recordFile(environment), rest);
}

/** Removes the record that this process made. Another environment may have taken the place of the directory by now. */
export async function forgetServer(environment: Environment): Promise<void> {
  const record = await readLock<ServerRecord>(recordFile(environment));
  // A process in another container may have the same pid, so compare the whole identity.
  if (isDeepStrictEqual(record?.owner, await ownIdentity())) await releaseLock(recordFile(environment));
}

async function isCurrent(environment: EnvironmentDirectory, { owner, inode }: ServerRecord): Promise<boolean> {
  // `data/` may be removed at any moment, with the record in it.
  return inode === (await orUndefined(inodeOf(environment), 'ENOENT')) && (await isRunning(owner));
}

async function inodeOf({ directory }: EnvironmentDirectory): Promise<number> {
  return (await stat(join(directory, 'data'))).ino;
}

/**
 * Says which other environment the server was started from: ` from <directory>`. Empty when it is this one, or when that
 * directory is gone, because it may have been moved here.
 */
export async function describeOrigin({ directory }: EnvironmentDirectory, record: ServerRecord): Promise<string> {
  const from = record.directory;
  return from === undefined || from === (await realpath(directory)) || !(await isThere(from)) ? '' : ` from ${from}`;
}

/** The path of the record. */
export function recordFile({ directory }: EnvironmentDirectory): string {
  return join(directory, 'data', 'server.json');
}

/** How long a server may take to stop, and how often to check, in milliseconds. */
const stopMs = 10_000;
const pollMs = 50;

/**
 * Stops the server, waits until it has exited, and removes its record.
 * @returns true when it had to be killed
 */
export async function stopServer(environment: EnvironmentDirectory, record: ServerRecord): Promise<boolean> {
  const forced = await stopRecorded(record);
  await removeIfDead<ServerRecord>(recordFile(environment), (holder) => isCurrent(environment, holder));
  return forced;
}

async function stopRecorded({ owner, pid }: ServerRecord): Promise<boolean> {
  const server = pid === undefined ? undefined : await identify(pid);
  await signalIfRunning(owner, 'SIGTERM');
  // A server that was suspended with Ctrl-Z must continue to handle the signal.
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

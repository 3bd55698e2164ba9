import type { Stats } from 'node:fs';
import { link, lstat, mkdtemp, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { hasCode, orUndefined, UsageError, UserError, withoutTemporary } from '../../errors.ts';
import type { System } from '../../system.ts';
import type { Environment } from '../environment/find.ts';
import { syncDirectory } from '../environment/write-file.ts';
import { isInside, realDirectory } from '../paths.ts';
import { commandLine } from '../shells/shells.ts';
import { type Store, withStore } from './store.ts';
import { StoreUnavailable } from './store-errors.ts';

export interface Backup {
  /** Absolute. */
  file: string;
  bytes: number;
}

interface Options {
  /** Whether to replace an existing file. */
  replace: boolean;
  /** Aborted when a signal stops the command. */
  signal: AbortSignal;
  /** Called after all checks, before the copy, which may take a while. */
  onStart(): void;
}

/**
 * Copies the store to a file, atomically: the file is complete or does not exist.
 * @param named the file as the user typed it
 * @throws UserError when the copy fails, Interrupted when `signal` aborts
 */
export async function backUp(
  system: System,
  environment: Environment,
  named: string,
  { replace, signal, onStart }: Options,
): Promise<Backup> {
  await verifyInOneStore(system, environment);
  const file = await resolveFile(system, environment, named);
  if (!replace) await verifyFree(file);
  const staging = await mkdtemp(join(dirname(file), '.sessapp-backup-'));
  try {
    onStart();
    const copy = join(staging, 'copy');
    await withStore(system, environment, (store) => copyTo(store, environment, copy, signal));
    const { size } = await lstat(copy);
    await (replace ? rename(copy, file) : moveToFree(copy, file));
    await syncDirectory(dirname(file));
    return { file, bytes: size };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function verifyInOneStore(system: System, { directory, marker: { migration } }: Environment): Promise<void> {
  if (!migration || migration.phase === 'switch') return;
  throw new UserError(
    'migration-unfinished',
    `The sessions are in two stores until their move from ${migration.from} to ${migration.to} is finished.`,
    `To finish it first: ${await commandLine(system, directory, 'store migrate', migration.to)}`,
  );
}

/** The path of the file with all links resolved, to check which directory it is in. */
async function resolveFile(system: System, { directory }: Environment, named: string): Promise<string> {
  if (named === '' || named === '-')
    throw new UsageError('A backup can only be written to a file.', 'For example: sessapp store backup sessions.mdb');
  const given = resolve(system.cwd, named);
  const file = join(await findDirectory(dirname(given)), basename(given));
  const data = join(directory, 'data');
  if ((await findEntry(data)) && isInside(await realpath(data), file))
    throw new UserError('backup-in-data', `${file} is inside the store’s own directory.`, 'Name a file elsewhere.');
  const found = await findEntry(file);
  if (found !== undefined && !found.isFile())
    throw new UserError('not-a-file', `${file} exists and is not a file.`, 'Name another file.');
  return file;
}

async function findDirectory(directory: string): Promise<string> {
  const real = await realDirectory(directory);
  if (real !== undefined) return real;
  throw new UserError('no-directory', `There is no directory ${directory}.`, 'Make it first with mkdir.');
}

async function verifyFree(file: string): Promise<void> {
  if ((await findEntry(file)) !== undefined) throw taken(file);
}

function taken(file: string): UserError {
  return new UserError('file-exists', `${file} exists already.`, 'Name another file, or replace it with --force.');
}

async function findEntry(path: string): Promise<Stats | undefined> {
  return orUndefined(lstat(path), 'ENOENT');
}

async function copyTo(store: Store, { marker }: Environment, copy: string, signal: AbortSignal): Promise<void> {
  await store.ping();
  const isCopied = await Promise.race([store.backup(copy).catch(explain), untilAborted(signal)]);
  if (isCopied) return;
  throw new UserError(
    'no-backup',
    `The ${marker.store} store is not a file in the environment, so sessapp cannot copy it.`,
    `Back it up with the tools of ${marker.store}.`,
  );
}

function explain(error: unknown): never {
  if (!(error instanceof StoreUnavailable)) throw error;
  const hint = error.hint ?? 'Name a file in another directory.';
  throw new UserError('backup-failed', `The copy could not be written: ${withoutTemporary(error.reason)}.`, hint);
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
  });
}

// A hard link, unlike a rename, never replaces a file that another process has created in the meantime.
async function moveToFree(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw taken(to);
    // Some file systems do not support hard links.
    if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) throw error;
    await verifyFree(to);
    await rename(from, to);
  }
}

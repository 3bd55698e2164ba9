import { constants } from 'node:fs';
import { access, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, orUndefined, UserError } from '../../errors.ts';
import { lstatIfThere } from '../../files.ts';
import { markerName } from '../../settings/marker.ts';
import { envFileName } from '../../settings/secrets.ts';
import { countRecords } from '../../stores/embedded/count.ts';
import type { System } from '../../system.ts';
import { findChanged } from '../scaffold/existing.ts';
import { quoteLine } from '../shells/shells.ts';
import type { Removable } from './removable.ts';

/** The parts of an environment that its removal deletes. */
export interface Contents {
  /** How many files and links there are. */
  files: number;
  /** The files that its user has added or changed, sorted. */
  changed: string[];
  hasSecret: boolean;
  hasRepository: boolean;
  /** Undefined when the environment has no embedded store of its own, or the store cannot be read. */
  sessions: number | undefined;
}

/** The files in these folders are not counted as the user's own. */
const uncounted = ['node_modules', 'data', '.git', '.sessapp', '.node'];
const notUsers = [markerName, envFileName, 'package-lock.json', 'bin/node'];

/**
 * Inspects everything that would be removed.
 * @throws UserError when this user could not remove a part
 */
export async function inspectContents(system: System, environment: Removable): Promise<Contents> {
  const { directory, marker, sharesData } = environment;
  const { dev } = await lstat(directory);
  const paths: string[] = [];
  for await (const path of walk(system, directory, dev)) paths.push(path);
  const isUsers = (path: string): boolean =>
    !uncounted.includes(path.split('/')[0] ?? '') && !notUsers.includes(path) && !path.startsWith('.sessapp-');
  const added = paths.filter((path) => isUsers(path) && marker.files[path] === undefined);
  const isThere = async (name: string): Promise<boolean> => (await lstatIfThere(join(directory, name))) !== undefined;
  return {
    files: paths.length,
    changed: [...added, ...(await listChanged(environment))].sort(),
    hasSecret: await isThere(envFileName),
    hasRepository: await isThere('.git'),
    sessions: sharesData ? undefined : await countRecords(join(directory, 'data', 'sessions')),
  };
}

// A file that this user cannot read counts as changed.
async function listChanged({ directory, marker }: Removable): Promise<string[]> {
  const changed: string[] = [];
  for (const [path, hash] of Object.entries(marker.files)) {
    const found = await orUndefined(findChanged(directory, { [path]: hash }), 'EACCES', 'EPERM');
    changed.push(...(found ?? [path]));
  }
  return changed;
}

/** The path of each file and link below a directory. Links are not followed. */
async function* walk(system: System, directory: string, device: number, below = ''): AsyncGenerator<string> {
  const entries = await readFolder(system, join(directory, below), device);
  for (const entry of entries) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) yield* walk(system, directory, device, path);
    else yield path;
  }
}

async function readFolder(system: System, path: string, device: number) {
  const found = await lstatIfThere(path);
  if (!found?.isDirectory()) return [];
  if (found.dev !== device) throw await mounted(system, path);
  const isOwn = !process.getuid || [0, found.uid].includes(process.getuid());
  const entries = await orUndefined(readdir(path, { withFileTypes: true }), 'EACCES', 'EPERM', 'ENOENT', 'ENOTDIR');
  const isRemovable = isOwn || entries?.length === 0 || (entries !== undefined && (await isWritable(path)));
  if (!isRemovable) throw await foreign(system, path);
  return entries ?? [];
}

async function isWritable(path: string): Promise<boolean> {
  try {
    await access(path, constants.W_OK | constants.X_OK);
    return true;
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS')) return false;
    throw error;
  }
}

async function mounted(system: System, path: string): Promise<UserError> {
  const fact = `${path} is on another file system, which is mounted there.`;
  return new UserError('other-file-system', fact, `Unmount it first: ${await quoteLine(system, 'umount', path)}`);
}

async function foreign(system: System, path: string): Promise<UserError> {
  const take = await quoteLine(system, 'sudo', 'chown', '-R', String(process.getuid?.()), path);
  const fact = `${path} holds files of another user, which this user cannot remove.`;
  return new UserError('not-the-owner', fact, `Become their owner first: ${take}`);
}

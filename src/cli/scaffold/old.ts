import { lstat, mkdir, readdir, readFile, rename, rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Environment } from '../environment/find.ts';
import { type Marker, markerName, readMarker } from '../../settings/marker.ts';
import { findRunningServer } from '../control/server-record.ts';
import { commandLine } from '../shells/shells.ts';
import { hasCode, UserError } from '../../errors.ts';
import type { System } from '../../system.ts';
import { isThere } from './existing.ts';
import { sha256 } from './hash.ts';
import { removeTree } from './staging.ts';

/** Where the parts of an environment are while another takes its place. The marker is the first in and the last out. */
export const oldName = '.sessapp-old';

/** @throws UserError while the server of the environment runs, and while its sessions are in two stores */
export async function verifyReplaceable(system: System, { directory, marker }: Environment): Promise<void> {
  const { migration } = marker;
  if (migration)
    throw new UserError(
      'migration-unfinished',
      `The sessions of ${directory} are on their way to the store ${migration.to}.`,
      `Let that come to its end first: ${await commandLine(system, directory, 'store migrate', migration.to)}`,
    );
  if (!(await findRunningServer({ directory }))) return;
  throw new UserError(
    'already-running',
    `The server of ${directory} is running.`,
    `Stop it first: ${await commandLine(system, directory, 'stop')}`,
  );
}

/**
 * Moves what `init` wrote aside; `.env`, `data/` and the user's own files stay.
 * @param trees what was installed, and is in no list of files
 */
export async function setOldAside(directory: string, trees: string[]): Promise<void> {
  const marker = await readMarker(directory);
  const old = join(directory, oldName);
  await mkdir(old, { recursive: true });
  const paths = [markerName, ...Object.keys(marker?.files ?? {}), ...trees];
  for (const path of paths) await moveIfThere(join(directory, path), join(old, path));
}

/** Moves what was set aside back to where it was. */
export async function restoreOld(directory: string, trees: string[]): Promise<void> {
  const old = join(directory, oldName);
  const marker = await readMarker(old);
  const paths = marker ? [...trees, ...Object.keys(marker.files), markerName] : [];
  for (const path of paths) {
    if (!(await isThere(join(directory, path)))) await moveIfThere(join(old, path), join(directory, path));
  }
  await discardOld(directory);
}

/**
 * Removes what was set aside, but for what somebody had changed.
 * @returns the folder of the directory where that is now
 */
export async function discardOld(directory: string): Promise<string | undefined> {
  const old = join(directory, oldName);
  if (!(await isThere(old))) return undefined;
  const marker = await readMarker(old);
  const backup = await freeBackupName(directory);
  if (!marker) return discardUnexplained(old, join(directory, backup));
  const changed = await findChanged(old, marker.files);
  for (const path of changed) await moveIfThere(join(old, path), join(directory, backup, path));
  for (const name of await readdir(old)) if (name !== markerName) await removeTree(join(old, name));
  await removeTree(old);
  await removeEmptyFolders(directory, Object.keys(marker.files));
  return changed.length > 0 ? backup : undefined;
}

// What was set aside is back but for empty folders, or was not yet moved. Anything else is not ours to remove.
async function discardUnexplained(old: string, backup: string): Promise<string | undefined> {
  const entries = await readdir(old, { recursive: true, withFileTypes: true });
  if (entries.every((entry) => entry.isDirectory())) {
    await removeTree(old);
    return undefined;
  }
  await rename(old, backup);
  return basename(backup);
}

/**
 * The files that are there and are not what they were written as.
 * @param hashes as in a marker
 */
export async function findChanged(directory: string, hashes: Marker['files']): Promise<string[]> {
  const changed: string[] = [];
  for (const [path, hash] of Object.entries(hashes)) {
    if (await isChanged(join(directory, path), hash)) changed.push(path);
  }
  return changed;
}

async function isChanged(path: string, hash: string): Promise<boolean> {
  if (!(await isThere(path))) return false;
  if (!(await lstat(path)).isFile()) return true;
  return sha256(await readFile(path)) !== hash;
}

export async function moveIfThere(from: string, to: string): Promise<void> {
  if (!(await isThere(from))) return;
  await mkdir(dirname(to), { recursive: true });
  try {
    await rename(from, to);
  } catch (error) {
    throw hasCode(error, 'EXDEV', 'EBUSY') ? onOtherFileSystem(from, to) : error;
  }
}

/** What is moved or linked in one step stays on one file system. */
export function onOtherFileSystem(from: string, to: string): UserError {
  return new UserError(
    'other-file-system',
    `${from} cannot be moved to ${to}: one of them is on another file system.`,
    'Unmount that folder, or make the environment in another directory.',
  );
}

/** Removes the folders of these paths that nothing is in any more. */
export async function removeEmptyFolders(directory: string, paths: string[]): Promise<void> {
  const folders = new Set(paths.map(dirname).filter((folder) => folder !== '.'));
  for (const folder of [...folders].sort().reverse()) {
    try {
      await rmdir(join(directory, folder));
    } catch (error) {
      // What another file system is mounted at is busy.
      if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EBUSY')) throw error;
    }
  }
}

async function freeBackupName(directory: string): Promise<string> {
  const date = new Date().toISOString().slice(0, 19).replace(/[:T]/g, '-');
  for (let number = 1; ; number += 1) {
    const name = `replaced-${date}${number === 1 ? '' : `-${number}`}`;
    if (!(await isThere(join(directory, name)))) return name;
  }
}

import { mkdir, rename, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode, UserError } from '../../errors.ts';
import { isThere } from '../../files.ts';

export async function moveIfThere(from: string, to: string): Promise<void> {
  if (!(await isThere(from))) return;
  await mkdir(dirname(to), { recursive: true });
  try {
    await rename(from, to);
  } catch (error) {
    throw hasCode(error, 'EXDEV', 'EBUSY') ? onOtherFileSystem(from, to) : error;
  }
}

/** The error when a rename or link would cross file systems. */
export function onOtherFileSystem(from: string, to: string): UserError {
  return new UserError(
    'other-file-system',
    `${from} cannot be moved to ${to}: one of them is on another file system.`,
    'Unmount that folder, or make the environment in another directory.',
  );
}

/** Removes the folders of these paths if they are empty now. */
export async function removeEmptyFolders(directory: string, paths: string[]): Promise<void> {
  const folders = new Set(paths.map(dirname).filter((folder) => folder !== '.'));
  for (const folder of [...folders].sort().reverse()) {
    try {
      await rmdir(join(directory, folder));
    } catch (error) {
      // EBUSY: the folder is a mount point.
      if (!hasCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR', 'EBUSY')) throw error;
    }
  }
}

import { lstat } from 'node:fs/promises';
import { hasCode, UserError } from '../errors.ts';
import { makeDirectory } from '../files.ts';

/**
 * Creates the directory if it is missing. Refuses a directory that another user can write to: that user could put code there.
 * @returns why the directory must not be used; undefined when it may be used
 */
export async function refuseDirectory(directory: string): Promise<string | undefined> {
  try {
    await makeDirectory(directory, 0o700);
    return await findRefusal(directory);
  } catch (error) {
    if (error instanceof UserError) return 'it cannot be created';
    if (hasCode(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOSPC', 'EDQUOT', 'ELOOP')) return error.code;
    throw error;
  }
}

/** Like `refuseDirectory`, for a directory that exists. */
export async function findRefusal(directory: string): Promise<string | undefined> {
  const { uid, mode } = await lstat(directory);
  if (process.getuid && uid !== process.getuid()) return 'it belongs to another user';
  return mode & 0o022 ? 'other users can write to it' : undefined;
}

import { dirname, join } from 'node:path';
import { hasCode } from '../../errors.ts';
import { explainClosed, isThere } from '../../files.ts';
import { markerName } from '../../settings/marker.ts';

/** For an error of a file of an environment that belongs to another user: the failure that says so. Else the error itself. */
export async function explainOwner(error: unknown): Promise<unknown> {
  if (!hasCode(error, 'EACCES', 'EPERM') || error.path === undefined) return error;
  return ((await mayBeInEnvironment(error.path)) && (await explainClosed(error.path))) || error;
}

// In a directory that this user cannot enter, the marker is not visible.
async function mayBeInEnvironment(path: string): Promise<boolean> {
  try {
    if (await isThere(join(path, markerName))) return true;
  } catch (error) {
    if (hasCode(error, 'EACCES', 'EPERM')) return true;
    throw error;
  }
  return dirname(path) !== path && mayBeInEnvironment(dirname(path));
}

import { nearestDataDirectory } from '../../paths.ts';
import { type Check, note, ok, problem } from '../check.ts';

const megabyte = 1024 * 1024;
/** Below this the next burst of sessions may not fit. */
const leastBytes = 64 * megabyte;
/** Below this somebody should look, where it is also a small part of the disk. */
const lowBytes = 1024 * megabyte;
const lowPart = 0.1;

const why = 'On a full disk no session can be saved: requests that change one get a 503.';

/** Is there room for more sessions? */
export const diskSpace: Check = {
  name: 'disk-space',
  async examine({ directory }, system) {
    const place = await nearestDataDirectory(directory);
    const { bavail, bsize, blocks, files, ffree } = await system.statfs(place);
    const free = bavail * bsize;
    const fact = `${Math.floor(free / megabyte)} MB are free on the disk of ${place}.`;
    const remedy = 'Free some space on it.';
    if (free < leastBytes) return [problem(fact, why, remedy)];
    if (free < lowBytes && bavail < blocks * lowPart) return [note(fact, why, remedy)];
    // Some file systems have no such number.
    if (files > 0 && ffree < files * 0.01)
      return [note(`The disk of ${place} has room for ${ffree} more files only.`, why, 'Delete files on it.')];
    return [ok(`${Math.floor(free / megabyte)} MB are free.`)];
  },
};

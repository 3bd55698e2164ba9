import { dataDirectory } from '../../paths.ts';
import { type Check, note, ok, problem } from '../check.ts';

const megabyte = 1024 * 1024;
/** With less free space, the next burst of sessions may not fit. */
const leastBytes = 64 * megabyte;
/** Less free space is a note, if it is also a small part of the disk. */
const lowBytes = 1024 * megabyte;
const lowPart = 0.1;

const why = 'When the disk is full, no session can be saved, and requests that change one get a 503.';

/** Is there disk space for more sessions? */
export const diskSpace: Check = {
  name: 'disk-space',
  async examine({ directory }, system) {
    const path = await dataDirectory(directory);
    const { bavail, bsize, blocks, files, ffree } = await system.statfs(path);
    const free = bavail * bsize;
    const fact = `The disk of ${path} has ${Math.floor(free / megabyte)} MB free.`;
    const remedy = 'Free some disk space.';
    if (free < leastBytes) return [problem(fact, why, remedy)];
    if (free < lowBytes && bavail < blocks * lowPart) return [note(fact, why, remedy)];
    // Some file systems do not count files.
    if (files > 0 && ffree < files * 0.01)
      return [note(`The disk of ${path} has room for only ${ffree} more files.`, why, 'Delete files on it.')];
    return [ok(`The disk has ${Math.floor(free / megabyte)} MB free.`)];
  },
};

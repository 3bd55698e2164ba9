import { readFile } from 'node:fs/promises';
import { orUndefined } from '../../../errors.ts';
import { dataDirectory, isInside } from '../../paths.ts';
import { type Check, type Finding, notChecked, note, ok, problem, withMarker } from '../check.ts';

/** Network file systems, by their type in statfs(2). */
const networkTypes: Record<number, string> = {
  26985: 'NFS',
  20859: 'SMB',
  4266872130: 'SMB',
  4283649346: 'SMB',
  16914839: '9p',
  1397113167: 'AFS',
  12805120: 'Ceph',
  198183888: 'Lustre',
  1196443219: 'GPFS',
  428016422: 'BeeGFS',
  2020557398: 'VirtualBox’s shared folder',
};
const fuseType = 1702057286;

/** FUSE file systems whose files are on this machine. */
const localFuse = /^(fuseblk|fuse\.(ntfs.*|exfat|lxcfs|bindfs|fuse-overlayfs|encfs|gocryptfs|ext\d.*|apfs.*|portal))$/;

/** Is the embedded store on a file system that LMDB supports? */
export const fileSystem: Check = {
  name: 'file-system',
  examine: withMarker(async ({ directory, marker }, system) => {
    if (marker.store !== 'embedded') return [ok(`Not relevant: the store is ${marker.store}.`)];
    if (process.platform !== 'linux') return [notChecked('only Linux reports the type of a file system as a number.')];
    const path = await dataDirectory(directory);
    const { type } = await system.statfs(path);
    const network = networkTypes[type >>> 0];
    if (network !== undefined) return [isNetwork(path, network)];
    return type === fuseType
      ? [checkFuse(path, await mountType(path))]
      : [ok('The store is not on a network file system.')];
  }),
};

const why =
  'LMDB needs memory that processes share, which network file systems do not support. Sessions can be lost, or the file damaged.';

function isNetwork(path: string, name: string): Finding {
  const remedy =
    'Move the environment to a local disk (you can move the whole directory), or move its sessions to another store: sessapp store migrate.';
  return problem(`${path} is on ${name}, a network file system.`, why, remedy);
}

function checkFuse(path: string, type: string | undefined): Finding {
  if (type !== undefined && localFuse.test(type)) return ok(`The store is on ${type}, which is local.`);
  if (type !== undefined && /ssh|nfs|smb|s3|gcs|gluster|ceph|rclone|dav|goofys|mergerfs|virtiofs/i.test(type))
    return isNetwork(path, type);
  const remedy = 'If it is, move the environment to a local disk.';
  return note(`${path} is on ${type ?? 'FUSE'}, which may be a network file system.`, why, remedy);
}

// proc_pid_mountinfo(5): field 5 is the mount point, and the type follows a hyphen. Of two mounts at one point, the last counts.
async function mountType(path: string): Promise<string | undefined> {
  const text = (await orUndefined(readFile('/proc/self/mountinfo', 'utf8'), 'ENOENT', 'EACCES')) ?? '';
  const mounts = text
    .split('\n')
    .map((line) => / (\S+) \S+ (?:\S+ )*- (\S+) /.exec(line.replace(/^\S+ \S+ \S+ \S+/, '')))
    .filter((found) => found !== null)
    .filter(([, point = '']) => isInside(decodeOctal(point), path));
  const longest = Math.max(...mounts.map(([, point = '']) => point.length));
  return mounts.filter(([, point = '']) => point.length === longest).at(-1)?.[2];
}

function decodeOctal(point: string): string {
  return point.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

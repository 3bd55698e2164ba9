import { readFile } from 'node:fs/promises';
import { orUndefined } from '../../../errors.ts';
import { isInside, nearestDataDirectory } from '../../paths.ts';
import { type Check, type Finding, notChecked, note, ok, problem, withMarker } from '../check.ts';

/** By the numbers of statfs(2). */
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

/** Of those that come through FUSE, the ones that only look like a network. */
const localFuse = /^(fuseblk|fuse\.(ntfs.*|exfat|lxcfs|bindfs|fuse-overlayfs|encfs|gocryptfs|ext\d.*|apfs.*|portal))$/;

/** Does the embedded store lie where LMDB can work? */
export const fileSystem: Check = {
  name: 'file-system',
  examine: withMarker(async ({ directory, marker }, system) => {
    if (marker.store !== 'embedded') return [ok(`The store ${marker.store} keeps its sessions elsewhere.`)];
    if (process.platform !== 'linux') return [notChecked('only Linux says by number what a file system is.')];
    const place = await nearestDataDirectory(directory);
    const { type } = await system.statfs(place);
    const network = networkTypes[type >>> 0];
    if (network !== undefined) return [isNetwork(place, network)];
    return type === fuseType ? [judgeFuse(place, await mountType(place))] : [ok('It is no network’s.')];
  }),
};

const why =
  'LMDB shares memory between processes, which no network file system does: sessions can be lost, or the file damaged.';

function isNetwork(place: string, name: string): Finding {
  const remedy =
    'Move the environment to a disk of this machine: it can be moved as a whole. Or choose a store for several machines.';
  return problem(`${place} is on ${name}, a network file system.`, why, remedy);
}

function judgeFuse(place: string, type: string | undefined): Finding {
  if (type !== undefined && localFuse.test(type)) return ok(`It is ${type}, on this machine.`);
  if (type !== undefined && /ssh|nfs|smb|s3|gcs|gluster|ceph|rclone|dav|goofys|mergerfs|virtiofs/i.test(type))
    return isNetwork(place, type);
  const remedy = 'If it is, move the environment to a disk of this machine.';
  return note(`${place} is on a file system of a program (${type ?? 'FUSE'}), which may be a network’s.`, why, remedy);
}

// proc_pid_mountinfo(5): the fifth field is where it is mounted; what kind it is follows a hyphen. The last one is on top.
async function mountType(place: string): Promise<string | undefined> {
  const text = (await orUndefined(readFile('/proc/self/mountinfo', 'utf8'), 'ENOENT', 'EACCES')) ?? '';
  const mounts = text
    .split('\n')
    .map((line) => / (\S+) \S+ (?:\S+ )*- (\S+) /.exec(line.replace(/^\S+ \S+ \S+ \S+/, '')))
    .filter((found) => found !== null)
    .filter(([, point = '']) => isInside(decodeOctal(point), place));
  const longest = Math.max(...mounts.map(([, point = '']) => point.length));
  return mounts.filter(([, point = '']) => point.length === longest).at(-1)?.[2];
}

function decodeOctal(point: string): string {
  return point.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

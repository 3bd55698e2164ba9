import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { commandLine, quoteLine } from '../shells/shells.ts';
import { type CommandLine, type Finding, notChecked } from './check.ts';
import { typeOn } from './remedies.ts';

type FileOwner = Pick<Stats, 'uid' | 'gid'>;

/** False when a file and the directory of the environment belong to different users: the server cannot use the file. */
export function hasSameOwner(of: FileOwner, directory: FileOwner): boolean {
  return process.platform === 'win32' || of.uid === directory.uid;
}

/** The command that makes the owner of the environment the owner of this path. */
export function chownTo({ uid, gid }: FileOwner, options: string[], path: string): CommandLine {
  const elevated = process.getuid?.() === 0 ? [] : ['sudo'];
  return typeOn([...elevated, 'chown', ...options, `${uid}:${gid}`], path);
}

/** A finding when this user does not own the environment: files that it writes there would have the wrong owner. */
export async function findingUnlessOwner(directory: string): Promise<Finding | undefined> {
  const { uid } = await stat(directory);
  if (process.getuid === undefined || process.getuid() === uid) return undefined;
  return notChecked(`${directory} belongs to another user.`, 'Run doctor as that user.', async (system) => {
    const again = await commandLine(system, directory, 'doctor');
    return `${await quoteLine(system, 'sudo', '-u', `#${uid}`)} ${again}`;
  });
}

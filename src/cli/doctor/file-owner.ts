import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { commandLine, quoteLine } from '../shells/shells.ts';
import { type CommandLine, type Finding, notChecked } from './check.ts';
import { typeOn } from './remedies.ts';

type FileOwner = Pick<Stats, 'uid' | 'gid'>;

/** False where a file belongs to another user than the directory of the environment, so that its server cannot use it. */
export function hasSameOwner(of: FileOwner, directory: FileOwner): boolean {
  return process.platform === 'win32' || of.uid === directory.uid;
}

/** Gives what is at this path to the owner of the environment. */
export function chownTo({ uid, gid }: FileOwner, options: string[], path: string): CommandLine {
  const elevated = process.getuid?.() === 0 ? [] : ['sudo'];
  return typeOn([...elevated, 'chown', ...options, `${uid}:${gid}`], path);
}

/** A finding where this user is not the owner of the environment: what it wrote there would be another user's. */
export async function findingUnlessOwner(directory: string): Promise<Finding | undefined> {
  const { uid } = await stat(directory);
  if (process.getuid === undefined || process.getuid() === uid) return undefined;
  return notChecked(`${directory} belongs to another user.`, 'Run it as that user.', async (system) => {
    const again = await commandLine(system, directory, 'doctor');
    return `${await quoteLine(system, 'sudo', '-u', `#${uid}`)} ${again}`;
  });
}

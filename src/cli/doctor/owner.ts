import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { commandLine, nearPath, quoteLine } from '../shells/shells.ts';
import type { System } from '../../system.ts';
import { type Finding, notChecked, type } from './check.ts';

type Owner = Pick<Stats, 'uid' | 'gid'>;

/** False where a file belongs to another user than the directory of the environment, so that its server cannot use it. */
export function isOwner(of: Owner, directory: Owner): boolean {
  return process.platform === 'win32' || of.uid === directory.uid;
}

/** Gives what is at these paths to the owner of the environment. */
export async function giveLine(system: System, { uid, gid }: Owner, words: string[], path: string): Promise<string> {
  const elevated = process.getuid?.() === 0 ? [] : ['sudo'];
  return quoteLine(system, ...elevated, 'chown', ...words, `${uid}:${gid}`, nearPath(system.cwd, path));
}

/** A finding where this user is not the owner of the environment: what it wrote there would be another user's. */
export async function refuseToWrite(system: System, directory: string): Promise<Finding | undefined> {
  const { uid } = await stat(directory);
  if (process.getuid === undefined || process.getuid() === uid) return undefined;
  const again = await commandLine(system, directory, 'doctor');
  const line = `${await quoteLine(system, 'sudo', '-u', `#${uid}`)} ${again}`;
  return notChecked(`${directory} belongs to another user.`, `Run it as that user. ${type(line)}`);
}

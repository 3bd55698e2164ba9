import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { isSystemError, orUndefined, UserError } from '../../errors.ts';
import { isThere, listNames, parseJson, readTextIfThere } from '../../files.ts';
import type { System } from '../../system.ts';
import { homeDirectory } from '../paths.ts';
import { findRefusal, refuseDirectory } from '../private-directory.ts';
import { isOlderThan } from './lock.ts';
import { withDraft } from './write-file.ts';

// The environments that this user has made or served here. Each has its own file, named after the hash of its real path, so
// that commands that run at the same time need no lock. Only `list` reads these files, so a lost file does little harm.

type Place = Pick<System, 'env' | 'cwd'>;

const entryPattern = /^[0-9a-f]{32}\.json$/;
const draftPattern = /^[0-9a-f]{32}\.json\./;
/** A process takes much less time than this to write an entry. */
const draftMs = 10 * 60 * 1000;
/** Every path is shorter. */
const entryBytes = 64 * 1024;

/** Where entries are kept: below `SESSAPP_STATE_DIR`, else below the directory that the platform has for state. */
export function knownDirectory(system: Place): string {
  return join(stateDirectory(system), 'environments');
}

function stateDirectory({ env, cwd }: Place): string {
  if (env.SESSAPP_STATE_DIR) return resolve(cwd, env.SESSAPP_STATE_DIR);
  // The XDG specification says that a relative path must be ignored.
  if (env.XDG_STATE_HOME?.startsWith('/')) return join(env.XDG_STATE_HOME, 'sessapp');
  const home = homeDirectory(env);
  if (process.platform === 'darwin') return join(home, 'Library', 'Application Support', 'sessapp');
  if (process.platform === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'sessapp', 'State');
  return join(home, '.local', 'state', 'sessapp');
}

/** Adds an environment to the list. If that is not possible, the command continues: only the list is incomplete. */
export async function remember(system: Place, directory: string): Promise<void> {
  await ifPossible(async () => {
    const folder = knownDirectory(system);
    if ((await refuseHome(folder)) || (await refuseDirectory(folder)) !== undefined) return;
    const real = await realpath(directory);
    const path = join(folder, entryName(real));
    const text = `${JSON.stringify({ directory: real })}\n`;
    if ((await readTextIfThere(path)) === text) return;
    await withDraft(path, text, 0o600, (draft) => rename(draft, path));
  });
}

/** Removes a directory from the list. */
export async function forget(system: Place, directory: string): Promise<void> {
  await ifPossible(async () => rm(join(knownDirectory(system), entryName(directory)), { force: true }));
}

/**
 * The directories on the list, as real paths. Some may no longer exist, or may no longer be environments.
 * @throws UserError when the list belongs to another user, or other users can write to it
 */
export async function listKnown(system: Place): Promise<string[]> {
  const folder = knownDirectory(system);
  if (!(await isThere(folder))) return [];
  const refusal = await findRefusal(folder);
  if (refusal !== undefined) throw refused(folder, refusal);
  const known: string[] = [];
  for (const name of await listNames(folder)) {
    const path = join(folder, name);
    if (draftPattern.test(name) && (await isOlderThan(draftMs, path)))
      await ifPossible(() => rm(path, { force: true }));
    const directory = entryPattern.test(name) ? await readEntry(path, name) : undefined;
    if (directory !== undefined) known.push(directory);
  }
  return known;
}

/** Why no environment can be added to the list; undefined when one can. Creates nothing. */
export async function findListRefusal(system: Place): Promise<string | undefined> {
  const folder = knownDirectory(system);
  const [existing] = await nearestExisting(folder);
  if (await refuseHome(folder)) return `${existing} belongs to another user`;
  try {
    await access(existing, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return `${existing} cannot be written (${error.code})`;
  }
}

function refused(folder: string, refusal: string): UserError {
  const remedy = 'Set SESSAPP_STATE_DIR to a directory that only you can write to.';
  return new UserError('state-refused', `${folder} is not used: ${refusal}.`, remedy);
}

// Undefined for a damaged file, and for a file that another program put there.
async function readEntry(path: string, name: string): Promise<string | undefined> {
  const found = await orUndefined(lstat(path), 'ENOENT');
  if (!found?.isFile() || found.size > entryBytes) return undefined;
  const text = await orUndefined(readFile(path, 'utf8'), 'ENOENT', 'EACCES', 'EIO');
  const { directory } = parseJson<{ directory?: unknown }>(text) ?? {};
  const isOurs = typeof directory === 'string' && isAbsolute(directory) && entryName(directory) === name;
  return isOurs ? directory : undefined;
}

function entryName(directory: string): string {
  return `${createHash('sha256').update(directory).digest('hex').slice(0, 32)}.json`;
}

// With sudo, HOME may be the home directory of another user. That user could not write to a list that root created there.
async function refuseHome(folder: string): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  const [, uid] = await nearestExisting(folder);
  return uid !== 0;
}

async function nearestExisting(path: string): Promise<[path: string, uid: number]> {
  const found = await orUndefined(stat(path), 'ENOENT', 'ENOTDIR', 'ELOOP');
  if (found || dirname(path) === path) return [path, found?.uid ?? 0];
  return nearestExisting(dirname(path));
}

async function ifPossible(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!isSystemError(error) && !(error instanceof UserError)) throw error;
  }
}

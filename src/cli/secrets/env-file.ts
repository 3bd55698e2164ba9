import type { Stats } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode, orUndefined, UserError } from '../../errors.ts';
import { lstatIfThere } from '../../files.ts';
import { envFileName } from '../../settings/secrets.ts';
import type { Environment } from '../environment/find.ts';
import { whileLocked } from '../environment/lock.ts';
import { type Ownership, replaceFile } from '../environment/write-file.ts';

/** An environment's `.env`. */
export interface EnvFile {
  /** The file itself: `.env` may be a symbolic link to it. */
  path: string;
  /** Without a byte order mark, which some editors write. The server ignores it too. */
  text: string;
  /** Undefined when there is no such file yet. */
  found: (Ownership & { changedMs: number }) | undefined;
}

/** Files beside `.env`: its next content, and the lock that is held during a change. The .gitignore covers them. */
export const envDraftName = '.sessapp-env';
export const envLockName = '.sessapp-env-lock';

/** @throws UserError when `.env` is not a text file */
export async function readEnvFile({ directory }: Environment): Promise<EnvFile> {
  const path = await resolveLink(join(directory, envFileName));
  try {
    // Reading a pipe would block until something is written to it.
    const { mode, uid, gid, ctimeMs: changedMs } = verifyFile(await stat(path), path);
    return { path, text: decode(await readFile(path), path), found: { mode, uid, gid, changedMs } };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { path, text: '', found: undefined };
    throw error;
  }
}

/**
 * Replaces the file atomically, under a lock against other sessapp processes. The change is on disk when this returns.
 * @param decide returns the new content and the result; called again when another program changed the file in between
 */
export async function changeEnvFile<T>(
  environment: Environment,
  decide: (file: EnvFile) => Promise<{ text: string; result: T }>,
): Promise<T> {
  const directory = dirname((await readEnvFile(environment)).path);
  return whileLocked(join(directory, envLockName), `is changing the secrets in ${directory}`, async () => {
    for (;;) {
      const file = await readEnvFile(environment);
      const { text, result } = await decide(file);
      const { path, found } = file;
      const isUnchanged = async (): Promise<boolean> => isSame(file, await readEnvFile(environment));
      if (await replaceFile(path, join(dirname(path), envDraftName), text, found, isUnchanged)) return result;
    }
  });
}

function isSame(a: EnvFile, b: EnvFile): boolean {
  return a.path === b.path && a.text === b.text && a.found?.changedMs === b.found?.changedMs;
}

async function resolveLink(path: string): Promise<string> {
  const real = await orUndefined(realpath(path), 'ENOENT', 'ELOOP', 'ENOTDIR');
  if (real !== undefined || !(await lstatIfThere(path))?.isSymbolicLink()) return real ?? path;
  throw unclear(path, 'is a link to a file that does not exist', 'Restore that file, or delete the link.');
}

function verifyFile(found: Stats, path: string): Stats {
  if (found.isFile()) return found;
  throw unclear(path, 'is not a file', 'Move it away, then run the same command again.');
}

function decode(bytes: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (error) {
    if (!hasCode(error, 'ERR_ENCODING_INVALID_ENCODED_DATA')) throw error;
    throw unclear(path, 'is not UTF-8', 'Save it as UTF-8, then run the same command again.');
  }
}

function unclear(path: string, fact: string, remedy: string): UserError {
  return new UserError('env-file-unclear', `${path} ${fact}.`, remedy);
}

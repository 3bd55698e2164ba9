import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { hasCode, UserError } from '../errors.ts';
import { explainClosed } from '../files.ts';
import { envFileName } from './secrets.ts';

export type Variables = Record<string, string>;

/**
 * Reads the variables in an environment's `.env`; none when there is no such file.
 * @throws UserError when the file cannot be read as text
 */
export async function readVariables(directory: string): Promise<Variables> {
  const content = (await readIfThere(join(directory, envFileName))) ?? '';
  if (content.includes('\0') || content.includes('\ufffd')) {
    throw new UserError('env-damaged', `The .env in ${directory} is not in UTF-8.`, 'Save it in UTF-8, as plain text.');
  }
  // Some editors write a byte order mark.
  return dropEmpty(parseEnv(content.replace(/^\ufeff/, '')));
}

/** Environment variables override `.env`. An empty variable counts as not set. */
export function overlay(file: Variables, env: NodeJS.ProcessEnv): Variables {
  return { ...file, ...dropEmpty(env) };
}

function dropEmpty(variables: NodeJS.ProcessEnv): Variables {
  return Object.fromEntries(Object.entries(variables).filter((entry): entry is [string, string] => Boolean(entry[1])));
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    // Reading a pipe would wait for the process at its other end.
    if (!(await stat(path)).isFile()) throw unreadable(path, 'it is not a file');
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (hasCode(error, 'EISDIR', 'ELOOP')) throw unreadable(path, error.code ?? '');
    if (hasCode(error, 'EACCES', 'EPERM')) throw (await explainClosed(path)) ?? unreadable(path, error.code ?? '');
    throw error;
  }
}

function unreadable(path: string, reason: string): UserError {
  const remedy = 'Make it a regular file that the user of the server can read.';
  return new UserError('unreadable', `${path} cannot be read (${reason}).`, remedy);
}

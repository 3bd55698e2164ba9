import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { hasCode, UserError } from '../errors.ts';
import { envFileName } from './secrets.ts';

export type Variables = Record<string, string>;

/**
 * What an environment's `.env` sets; nothing when there is none.
 * @throws UserError when it cannot be read as text
 */
export async function readVariables(directory: string): Promise<Variables> {
  const content = (await readIfThere(join(directory, envFileName))) ?? '';
  if (content.includes('\0') || content.includes('\ufffd')) {
    throw new UserError('env-damaged', `The .env in ${directory} is not in UTF-8.`, 'Save it in UTF-8, as plain text.');
  }
  // Some editors put a mark at the front.
  return dropEmpty(parseEnv(content.replace(/^\ufeff/, '')));
}

/** The real environment beats `.env`, and an empty variable counts as none. */
export function overlay(file: Variables, env: NodeJS.ProcessEnv): Variables {
  return { ...file, ...dropEmpty(env) };
}

function dropEmpty(variables: NodeJS.ProcessEnv): Variables {
  return Object.fromEntries(Object.entries(variables).filter((entry): entry is [string, string] => Boolean(entry[1])));
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    // To read a pipe would be to wait for its other end.
    if (!(await stat(path)).isFile()) throw unreadable(path, 'it is not a file');
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (hasCode(error, 'EACCES', 'EPERM', 'EISDIR')) throw unreadable(path, error.code ?? '');
    throw error;
  }
}

function unreadable(path: string, reason: string): UserError {
  const remedy = 'Give the user that runs the server the right to read it; it has to be a file.';
  return new UserError('unreadable', `${path} cannot be read (${reason}).`, remedy);
}

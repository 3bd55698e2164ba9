import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { hasCode } from '../../errors.ts';
import { envFileName } from '../../settings/secrets.ts';

export type Variables = Record<string, string>;

/** What an environment's `.env` sets; nothing when there is none, or none that is a file. */
export async function readVariables(directory: string): Promise<Variables> {
  try {
    const path = join(directory, envFileName);
    // To read a pipe would be to wait for its other end.
    if (!(await stat(path)).isFile()) return {};
    const text = await readFile(path, 'utf8');
    // Some editors put a mark at the front.
    return dropEmpty(parseEnv(text.replace(/^\ufeff/, '')));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return {};
    throw error;
  }
}

/** As the server: the real environment beats `.env`, and an empty variable counts as none. */
export function overlay(file: Variables, env: NodeJS.ProcessEnv): Variables {
  return { ...file, ...dropEmpty(env) };
}

function dropEmpty(variables: NodeJS.ProcessEnv): Variables {
  return Object.fromEntries(Object.entries(variables).filter((entry): entry is [string, string] => Boolean(entry[1])));
}

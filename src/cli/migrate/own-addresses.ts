import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, UserError } from '../../errors.ts';
import type { Environment } from '../environment/find.ts';

/** Written by a server whose own STORE_URL wins over `.env`, when it sees that sessions are to move: it cannot follow. */
function fileIn({ directory }: Environment): string {
  return join(directory, 'data', 'own-store-url.json');
}

/** Servers that are there still write it again. */
export async function forgetOwnAddresses(environment: Environment): Promise<void> {
  await rm(fileIn(environment), { force: true });
}

/** @throws UserError when a server has said that it cannot follow */
export async function verifyAllFollow(environment: Environment): Promise<void> {
  const pid = await readPid(fileIn(environment));
  if (pid === undefined) return;
  throw new UserError(
    'store-url-in-environment',
    `STORE_URL is set in the environment variables of a server (process ${pid}), and wins over .env: it cannot follow a change there.`,
    'Write it into .env, unset the variable, and start that server anew; then run the same command again.',
  );
}

async function readPid(file: string): Promise<string | undefined> {
  try {
    const { pid } = JSON.parse(await readFile(file, 'utf8')) as { pid?: unknown };
    return String(pid);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (error instanceof SyntaxError) return 'unknown';
    throw error;
  }
}

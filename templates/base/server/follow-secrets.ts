import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readSecrets } from './secrets.ts';
import { readEnvFile } from './settings.ts';
import { StartError } from './start-error.ts';

interface Log {
  info(message: string): void;
  error(detail: object, message: string): void;
}

const intervalMs = 1000;

/**
 * The secrets as `.env` has them now, so that a new one signs without a restart. SESSION_SECRET in the real environment
 * wins, and cannot change while the server runs.
 */
export function followSecrets(
  directory: string,
  environment: { SESSION_SECRET?: string },
  initial: string[],
  log: Log,
): () => string[] {
  let secrets = initial;
  if (environment.SESSION_SECRET) return () => secrets;
  let known: string | undefined;
  const look = async (): Promise<void> => {
    const current = await fingerprint(join(directory, '.env'));
    if (current === known) return;
    known = current;
    const found = await readAgain(directory, log);
    if (!found || found.join() === secrets.join()) return;
    secrets = found;
    log.info('.env has other session secrets: the newest signs from now on');
  };
  setInterval(() => void look(), intervalMs).unref();
  return () => secrets;
}

// The file may be replaced by another one, or written in place.
async function fingerprint(path: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return [ino, size, mtimeMs].join();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}

// A .env without usable secrets changes nothing: nobody is to be logged out by a slip.
async function readAgain(directory: string, log: Log): Promise<string[] | undefined> {
  try {
    const { SESSION_SECRET } = await readEnvFile(directory);
    return readSecrets(SESSION_SECRET);
  } catch (error) {
    const reason = error instanceof StartError ? error.message : String((error as NodeJS.ErrnoException).code ?? error);
    log.error({ reason }, '.env has no usable session secret now: the known ones stay in use');
    return undefined;
  }
}

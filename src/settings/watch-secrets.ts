import { statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { envFileName, readSecrets } from './secrets.ts';
import { readVariables } from './variables.ts';
import { WatchedFiles } from './watched-files.ts';

interface Log {
  info(message: string): void;
  error(detail: object, message: string): void;
}

export interface WatchedSecrets {
  /** The secrets, newest first: the first one signs, all verify. */
  list(): string[];
  /** Call and await this before verifying a cookie. Undefined: there is nothing to wait for. */
  refresh(): Promise<void> | undefined;
}

/** After this time, every process of the environment has read the new secret, or reads it before it verifies a cookie. */
const signsAfterMs = 900;
/** Less than `signsAfterMs`, because a timer may fire slightly early. */
const staleMs = 800;

/**
 * The current secrets of `.env`. A new secret takes effect without a restart: it verifies immediately, and signs a moment later.
 * The environment variable SESSION_SECRET overrides `.env` and cannot change while the server runs.
 * @param onChange called when the server starts to use other secrets
 */
export function watchSecrets(
  directory: string,
  environment: { SESSION_SECRET?: string },
  initial: string[],
  log: Log,
  onChange: () => void = () => undefined,
): WatchedSecrets {
  if (environment.SESSION_SECRET) return { list: () => initial, refresh: () => undefined };
  const path = join(directory, envFileName);
  let secrets = isFresh(path) ? olderFirst(initial) : initial;
  let turn: NodeJS.Timeout | undefined;
  const use = (found: string[]): void => {
    secrets = found;
    onChange();
    log.info('the session secrets in .env have changed: the newest one signs, and a removed one no longer verifies');
  };
  const apply = async (): Promise<void> => {
    const { SESSION_SECRET } = await readVariables(directory);
    const found = readSecrets(SESSION_SECRET);
    clearTimeout(turn);
    if (found.join() === secrets.join()) return;
    if (!isRotation(secrets, found)) return use(found);
    secrets = withNewSecrets(secrets, found);
    turn = setTimeout(use, signsAfterMs, found).unref();
  };
  // A .env without valid secrets changes nothing, so that a typing error logs nobody out.
  const report = (error: unknown): void => {
    const reason = error instanceof UserError ? error.message : String((error as NodeJS.ErrnoException).code ?? error);
    log.error({ reason }, '.env has no usable session secret: the server keeps the current ones');
  };
  const file = new WatchedFiles([path], { apply, report, staleMs });
  return { list: () => secrets, refresh: () => file.refresh() };
}

// A rotation puts a new secret first and keeps the signing one for verification.
function isRotation([signing = '']: string[], found: string[]): boolean {
  return found[0] !== signing && found.includes(signing);
}

function withNewSecrets([signing = '']: string[], found: string[]): string[] {
  return [signing, ...found.filter((secret) => secret !== signing)];
}

// A process that starts, such as a worker after a reload, may be the first to see a change.
function isFresh(path: string): boolean {
  const changedMs = statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0;
  return Math.abs(Date.now() - changedMs) < signsAfterMs;
}

function olderFirst([newest = '', older, ...others]: string[]): string[] {
  return older === undefined ? [newest] : [older, newest, ...others];
}

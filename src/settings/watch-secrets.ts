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
  /** Newest first: the first one signs, each verifies. */
  list(): string[];
  /** To be called, and awaited, before a cookie is verified. Undefined: nothing is to be waited for. */
  refresh(): Promise<void> | undefined;
}

/** By then every process of this environment has looked, or looks before it verifies what the new secret signs. */
const signsAfterMs = 900;
/** Less, as a timer may fire a little early. */
const staleMs = 800;

/**
 * The secrets as `.env` has them now, so that a new one signs without a restart: it verifies at once, and signs a moment
 * later. SESSION_SECRET in the real environment wins, and cannot change while the server runs.
 * @param onChange is called when other secrets are in use
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
    log.info('.env has other session secrets: the newest signs from now on');
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
  // A .env without usable secrets changes nothing: nobody is to be logged out by a slip.
  const report = (error: unknown): void => {
    const reason = error instanceof UserError ? error.message : String((error as NodeJS.ErrnoException).code ?? error);
    log.error({ reason }, '.env has no usable session secret now: the known ones stay in use');
  };
  const file = new WatchedFiles([path], { apply, report, staleMs });
  return { list: () => secrets, refresh: () => file.refresh() };
}

// There is another one in front, and the one that signs is to verify from now on.
function isRotation([signing = '']: string[], found: string[]): boolean {
  return found[0] !== signing && found.includes(signing);
}

function withNewSecrets([signing = '']: string[], found: string[]): string[] {
  return [signing, ...found.filter((secret) => secret !== signing)];
}

// A process that starts may be the first one that knows of a change: a worker after a reload.
function isFresh(path: string): boolean {
  const changedMs = statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? 0;
  return Math.abs(Date.now() - changedMs) < signsAfterMs;
}

function olderFirst([newest = '', older, ...others]: string[]): string[] {
  return older === undefined ? [newest] : [older, newest, ...others];
}

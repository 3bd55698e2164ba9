import { copyFileSync, fstatSync, ftruncateSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { hasCode } from '../errors.ts';

/** Relative to the environment, which may be moved while the server runs. */
const file = join('data', 'server.log');
const stdout = 1;
const intervalMs = 1000;
const limitBytes = 10_000_000;

/**
 * Keeps the log of a server in the background small: from this size on it goes on in an empty file, and
 * `server.log.1` has what was there. Its workers write into the file, too, so that it stays the same file.
 */
export function boundLogFile(directory: string, log: Logger): void {
  if (process.cwd() !== directory || !isOwnFile()) return;
  const timer = setInterval(() => {
    try {
      if (fstatSync(stdout).size > limitBytes && isOwnFile()) rotate();
    } catch (error) {
      clearInterval(timer);
      log.error({ err: error }, `${file} cannot be rotated, and grows from now on`);
    }
  }, intervalMs);
  timer.unref();
}

// Whatever its name: a log that somebody has moved away is theirs.
function isOwnFile(): boolean {
  const [own, named] = [fstatSync(stdout), statSync(file, { throwIfNoEntry: false })];
  return named !== undefined && own.ino === named.ino && own.dev === named.dev;
}

// At once, so that a worker has no time to write in between.
function rotate(): void {
  try {
    copyFileSync(file, `${file}.1`);
  } catch (error) {
    if (!hasCode(error, 'ENOSPC', 'EDQUOT')) throw error;
    // Sessions are on this disk, too: they are worth more than old lines.
    rmSync(`${file}.1`, { force: true });
  }
  ftruncateSync(stdout);
}

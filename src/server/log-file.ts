import { copyFileSync, fstatSync, ftruncateSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { hasCode } from '../errors.ts';

/** A relative path, because the environment can be moved while the server runs. */
const file = join('data', 'server.log');
const stdout = 1;
const intervalMs = 1000;
const limitBytes = 10_000_000;

/**
 * Limits the size of a background server's log file. Above the limit, its content is copied to `server.log.1` and the
 * file is truncated. It stays the same file, because the workers have it open too.
 */
export function boundLogFile(directory: string, log: Logger): void {
  if (process.cwd() !== directory || !isOwnFile()) return;
  const timer = setInterval(() => {
    try {
      if (fstatSync(stdout).size > limitBytes && isOwnFile()) rotate();
    } catch (error) {
      clearInterval(timer);
      log.error({ err: error }, `${file} cannot be rotated, so its size is no longer limited`);
    }
  }, intervalMs);
  timer.unref();
}

// Compares inodes, so that a file which was moved away is not truncated.
function isOwnFile(): boolean {
  const [own, named] = [fstatSync(stdout), statSync(file, { throwIfNoEntry: false })];
  return named !== undefined && own.ino === named.ino && own.dev === named.dev;
}

// Synchronous, so that a worker is unlikely to write between the copy and the truncation.
function rotate(): void {
  try {
    copyFileSync(file, `${file}.1`);
  } catch (error) {
    if (!hasCode(error, 'ENOSPC', 'EDQUOT')) throw error;
    // The disk is full. Free space for the sessions, which matter more than old log lines.
    rmSync(`${file}.1`, { force: true });
  }
  ftruncateSync(stdout);
}

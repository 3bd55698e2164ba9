import cluster from 'node:cluster';
import { fstatSync, openSync } from 'node:fs';

interface Log {
  fatal(message: string): void;
}

const intervalMs = 1000;

/**
 * Ends the server when its environment was removed, not only moved: nobody could find it any more to stop it, and what it
 * saves would be lost.
 */
export function stopWhenRemoved(directory: string, log: Log): void {
  // Windows removes no directory that is in use; workers end with their primary.
  if (process.platform === 'win32' || cluster.isWorker) return;
  const opened = openSync(directory, 'r');
  const timer = setInterval(() => {
    if (fstatSync(opened).nlink > 0) return;
    clearInterval(timer);
    log.fatal('the environment was removed: the server ends');
    process.kill(process.pid, 'SIGTERM');
  }, intervalMs);
  timer.unref();
}

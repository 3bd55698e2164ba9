import cluster from 'node:cluster';
import { fstatSync, openSync } from 'node:fs';

interface Log {
  fatal(message: string): void;
}

const intervalMs = 1000;

/**
 * Stops the server when its environment was removed, not just moved. Otherwise no command could find and stop the server,
 * and the sessions that it saves would be lost.
 */
export function stopWhenRemoved(directory: string, log: Log): void {
  // Windows does not remove a directory that is in use. Workers stop with their primary.
  if (process.platform === 'win32' || cluster.isWorker) return;
  const opened = openSync(directory, 'r');
  const timer = setInterval(() => {
    if (fstatSync(opened).nlink > 0) return;
    clearInterval(timer);
    log.fatal('the environment was removed: stopping the server');
    process.kill(process.pid, 'SIGTERM');
  }, intervalMs);
  timer.unref();
}

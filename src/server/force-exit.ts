/** How long the application's own timers or connections may keep the process running. */
const graceMs = 500;

/**
 * Exits if the application still keeps the process running after all work is done. The process kills itself with SIGTERM,
 * like a process that does not handle that signal. If its exit code reports a failure, it keeps that exit code.
 * @param report is called first, with the active resources, by their names in Node.js
 */
export function forceExit(report: (held: string[]) => void): void {
  const timer = setTimeout(() => {
    report(process.getActiveResourcesInfo());
    // Process 1 of a container ignores a signal from inside the container that it does not handle.
    if (process.pid === 1 || process.exitCode !== 0) exitByError();
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  }, graceMs);
  timer.unref();
}

// Throws, because that ends the process at once; its output already contains the reason. The exit code stays.
function exitByError(): never {
  const { exitCode } = process;
  process.once('exit', () => {
    process.exitCode = exitCode;
  });
  throw new Error('the application keeps the process running');
}

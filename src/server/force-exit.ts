/** How long the application's own timers or connections may keep the process running. */
const graceMs = 500;

/**
 * Exits if the application still keeps the process running after all work is done. If the exit code is 0, the process removes
 * its handlers of SIGTERM and sends itself that signal. If the exit code reports a failure, the process exits with it.
 * @param report called first, with Node.js's names of the active resources
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

// An uncaught error ends the process at once. The exit code stays, and the output already contains the reason.
function exitByError(): never {
  const { exitCode } = process;
  process.once('exit', () => {
    process.exitCode = exitCode;
  });
  throw new Error('the application keeps the process running');
}

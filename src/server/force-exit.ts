/** How long the application may keep the process running, with a timer or a connection of its own. */
const graceMs = 500;

/**
 * Ends a process that has nothing more to do, if the application keeps it running: after SIGTERM by that signal, as a
 * process that does not handle it would end; with its exit code, when that tells of a failure.
 * @param report is told before what holds it, by the names of Node.js
 */
export function forceExit(report: (held: string[]) => void): void {
  const timer = setTimeout(() => {
    report(process.getActiveResourcesInfo());
    // The first process of a container gets no signal from within that it does not handle.
    if (process.pid === 1 || process.exitCode !== 0) exitByError();
    process.removeAllListeners('SIGTERM');
    process.kill(process.pid, 'SIGTERM');
  }, graceMs);
  timer.unref();
}

// What was printed says why; the exit code still counts.
function exitByError(): never {
  const { exitCode } = process;
  process.once('exit', () => {
    process.exitCode = exitCode;
  });
  throw new Error('the application keeps the process running');
}

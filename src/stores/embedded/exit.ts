import { writeSync } from 'node:fs';
import { inspect } from 'node:util';

let running = 0;
let fatal: { error: unknown } | undefined;

process.on('uncaughtExceptionMonitor', (error) => {
  fatal = { error };
});

// Within a write LMDB's thread calls JavaScript, which does not run any more once the process exits. Node.js would wait for
// that thread, for ever and with the lock of all writers in it. What was acknowledged is on the disk.
process.on('exit', () => {
  if (running === 0) return;
  // Node.js shows it only after this.
  if (fatal) writeSync(2, `${inspect(fatal.error)}\n`);
  process.kill(process.pid, 'SIGKILL');
});

/** Runs a write so that a process that exits meanwhile, by an error or `process.exit`, ends. */
export async function killingOnExit<T>(write: () => Promise<T>): Promise<T> {
  running += 1;
  try {
    return await write();
  } finally {
    running -= 1;
  }
}

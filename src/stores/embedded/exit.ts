import { writeSync } from 'node:fs';
import { inspect } from 'node:util';

let running = 0;
let fatal: { error: unknown } | undefined;

process.on('uncaughtExceptionMonitor', (error) => {
  fatal = { error };
});

// During a write, LMDB's thread calls JavaScript, which no longer runs when the process exits. Node.js would wait for that thread
// forever, and the thread holds the lock of all writers. So kill the process: acknowledged writes are already on disk.
process.on('exit', () => {
  if (running === 0) return;
  try {
    // Node.js would print the error only after this handler.
    if (fatal) writeSync(2, `${inspect(fatal.error)}\n`);
  } finally {
    // Also if the error cannot be printed, for example on a full disk.
    process.kill(process.pid, 'SIGKILL');
  }
});

/** Runs a write. If the process exits meanwhile, by an error or `process.exit`, it kills itself instead of hanging. */
export async function killingOnExit<T>(write: () => Promise<T>): Promise<T> {
  running += 1;
  try {
    return await write();
  } finally {
    running -= 1;
  }
}

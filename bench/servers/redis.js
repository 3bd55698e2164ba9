import { mkdir } from 'node:fs/promises';
import { serverCore, start } from '../measure/processes.js';
import { freePort, stop, untilListening } from './start.js';

// Without options Redis keeps what Debian's and its own configuration say: a snapshot after an hour, or after 5 minutes
// with 100 changes, or after a minute with 10,000; a crash loses what came since. The other waits for the disk, as an
// acknowledged session of sessapp has.
const persistence = {
  snapshots: [],
  'every write': ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
};

/** A Redis of the benchmark's own, on the processor for servers. */
export async function startRedis(workshop, kind) {
  const port = await freePort();
  const directory = workshop.path(`redis-${port}`);
  await mkdir(directory);
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, ...persistence[kind]];
  const child = start('taskset', ['-c', serverCore(), 'redis-server', ...args], { stdio: 'ignore' });
  await untilListening(port, child);
  return { url: `redis://127.0.0.1:${port}`, pid: child.pid, stop: () => stop(child) };
}

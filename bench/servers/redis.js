import { mkdir } from 'node:fs/promises';
import { serverCore, start } from '../measure/processes.js';
import { freePort, stop, untilListening } from './start.js';

// Without options, Redis saves a snapshot after an hour, after 5 minutes with 100 changes, or after a minute with 10,000
// changes. A crash loses all later changes. With 'every write', Redis waits for the disk before it responds, as sessapp does.
const persistence = {
  snapshots: [],
  'every write': ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''],
};

/** Starts a Redis for the benchmark, on the server's processor. */
export async function startRedis(workspace, kind) {
  const port = await freePort();
  const directory = workspace.path(`redis-${port}`);
  await mkdir(directory);
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, ...persistence[kind]];
  const child = start('taskset', ['-c', serverCore(), 'redis-server', ...args], { stdio: 'ignore' });
  await untilListening(port, child);
  return { url: `redis://127.0.0.1:${port}`, pid: child.pid, stop: () => stop(child) };
}

import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, startPlain, waitFor } from '../support/server.ts';

// The server is process 1 of its own namespace, as in a container.
const inNamespace = ['-r', '--pid', '--fork', '--mount-proc', '--kill-child'];
const canIsolate = spawnSync('unshare', [...inNamespace, 'true']).status === 0;
const skipped = canIsolate ? '' : ' (skipped: needs util-linux’ unshare, and the right to use it)';

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

async function startIsolated(statements: string, env: NodeJS.ProcessEnv) {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await addRoutes(directory, `app.get('/pid', (req, res) => res.json([process.pid, process.ppid]));${statements}`);
  const command = ['unshare', ...inNamespace, process.execPath, join(directory, 'server.js')] as [string, ...string[]];
  const server = await startPlain(sandbox, directory, { env }, command);
  const [pid = 0] = childrenOf(server.child.pid ?? 0);
  return { ...server, pid, ended: once(server.child, 'close') };
}

test.runIf(canIsolate)(
  `as process 1, a primary replaces and reaps its workers, and stops them on a signal${skipped}`,
  async () => {
    const slow =
      "app.get('/slow', (req, res) => { console.log('slow began'); setTimeout(() => res.send('done'), 500); });";
    const { url, pid, output, ended } = await startIsolated(slow, { WORKERS: '2' });
    const met = new Set<string>();
    await waitFor(async () => met.add((await request(`${url}/pid`)).body).size === 2);
    expect([...met].map((pids) => JSON.parse(pids)[1])).toEqual([1, 1]);
    const [killed = 0, ...others] = childrenOf(pid);
    process.kill(killed, 'SIGKILL');
    await waitFor(() => childrenOf(pid).some((child) => ![killed, ...others].includes(child)));
    expect(existsSync(`/proc/${killed}`)).toBe(false);
    const inFlight = request(`${url}/slow`);
    await waitFor(() => output().includes('slow began'));
    process.kill(pid, 'SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect((await inFlight).body).toBe('done');
  },
);

test.runIf(canIsolate).each(['SIGTERM', 'SIGINT'] as const)(
  `as process 1, a server without workers exits on %s, although the application has a timer${skipped}`,
  async (signal) => {
    const { url, pid, ended } = await startIsolated('setInterval(() => undefined, 1000);', {});
    expect(JSON.parse((await request(`${url}/pid`)).body)[0]).toBe(1);
    process.kill(pid, signal);
    expect(await ended).toEqual([0, null]);
  },
);

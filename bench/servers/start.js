import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { ask } from '../load/client.js';
import { serverCore, start } from '../measure/processes.js';

const timeoutMs = 30_000;

/**
 * Starts a server on the server's processor, and waits until it responds. Its stdout goes to /dev/null, and its stderr to
 * a file in the workspace.
 * @param pinned false: on all processors
 */
export async function startServer(workspace, { file, args, cwd, env, path = '/profile', pinned = true }) {
  const port = await freePort();
  const log = workspace.path(`server-${port}.log`);
  const command = pinned ? ['taskset', '-c', serverCore(), file, ...args(port)] : [file, ...args(port)];
  const child = start(command[0], command.slice(1), {
    cwd,
    env: { ...process.env, NODE_ENV: 'production', HOST: '127.0.0.1', PORT: String(port), ...env },
    stdio: ['ignore', openSync('/dev/null', 'w'), openSync(log, 'w')],
  });
  const server = { url: `http://127.0.0.1:${port}`, pid: child.pid, stop: () => stop(child) };
  await untilResponse(`${server.url}${path}`, child, log);
  return server;
}

export async function stop(child, signal = 'SIGTERM') {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

/** Sends requests until the server responds with 200. */
export async function untilResponse(url, child, log, everyMs = 50) {
  for (const end = performance.now() + timeoutMs; performance.now() < end; await wait(everyMs)) {
    if (child.exitCode !== null)
      throw new Error(`a server exited with ${child.exitCode}:\n${readFileSync(log, 'utf8')}`);
    const response = await ask(url).catch(ifRefused);
    if (response?.status === 200) return;
  }
  throw new Error(`${url} did not respond within ${timeoutMs / 1000} s:\n${readFileSync(log, 'utf8')}`);
}

function ifRefused(error) {
  if (!['ECONNREFUSED', 'ECONNRESET'].includes(error.code)) throw error;
}

/** Waits until a server that does not use HTTP accepts connections. */
export async function untilListening(port, child) {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`a server exited with ${child.exitCode}`);
    if (await isListening(port)) return;
    await wait(50);
  }
  throw new Error('a server did not listen');
}

function isListening(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** Finds a free port. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { ask } from '../load/client.js';
import { serverCore, start } from '../measure/processes.js';

const patienceMs = 30_000;

/**
 * Starts a server on the processor for servers and waits until it answers. What it prints goes to /dev/null, what it
 * prints of errors to a file of the workshop.
 * @param pinned false: on every processor
 */
export async function startServer(workshop, { file, args, cwd, env, path = '/profile', pinned = true }) {
  const port = await freePort();
  const log = workshop.path(`server-${port}.log`);
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

/** Asks again and again until the server answers with 200. */
export async function untilResponse(url, child, log, everyMs = 50) {
  for (const end = performance.now() + patienceMs; performance.now() < end; await wait(everyMs)) {
    if (child.exitCode !== null)
      throw new Error(`a server ended with ${child.exitCode}:\n${readFileSync(log, 'utf8')}`);
    const response = await ask(url).catch(ifRefused);
    if (response?.status === 200) return;
  }
  throw new Error(`${url} did not respond within ${patienceMs / 1000} s:\n${readFileSync(log, 'utf8')}`);
}

function ifRefused(error) {
  if (!['ECONNREFUSED', 'ECONNRESET'].includes(error.code)) throw error;
}

/** Waits until a server that speaks something else than HTTP accepts connections. */
export async function untilListening(port, child) {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) throw new Error(`a server ended with ${child.exitCode}`);
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

/** A port that nobody listens on. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

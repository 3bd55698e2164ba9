import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, startPlain, waitFor } from '../support/server.ts';

const slowly = `
  app.get('/slow', (req, res) => {
    req.session.slow = true;
    console.log('slow began');
    setTimeout(() => res.send('done'), Number(req.query.ms));
  });`;

async function startWith(sandbox: Sandbox, statements = slowly, env: NodeJS.ProcessEnv = {}) {
  const directory = await copyEnvironment(sandbox);
  await addRoutes(directory, statements);
  const server = await startPlain(sandbox, directory, { env });
  return { ...server, directory, ended: once(server.child, 'close') as Promise<[number | null, string | null]> };
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'on %s a request in flight is answered, its session saved, nothing new accepted, and the exit code is 0',
  async (signal) => {
    const sandbox = new Sandbox();
    const { url, child, output, ended } = await startWith(sandbox);
    const inFlight = request(`${url}/slow?ms=600`);
    await waitFor(() => output().includes('slow began'));
    child.kill(signal);
    await wait(200);
    await expect(request(`${url}/ok`)).rejects.toThrow('ECONNREFUSED');
    const response = await inFlight;
    expect(response).toMatchObject({ status: 200, body: 'done' });
    expect(response.headers.connection).toBe('close');
    expect(response.cookie).not.toBe('');
    expect(await ended).toEqual([0, null]);
  },
);

test.each([{}, { TRUST_PROXY: '1' }, { TRUST_PROXY: '1', KEEP_ALIVE: '620' }])(
  'connections that are idle, or have not sent a request, do not hold the end up: %j',
  async (env) => {
    const sandbox = new Sandbox();
    const { url, child, ended } = await startWith(sandbox, slowly, env);
    const port = Number(new URL(url).port);
    const silent = connect(port, '127.0.0.1');
    const half = connect(port, '127.0.0.1', () => half.write('GET /ok HTTP/1.1\r\nHost: '));
    const agent = new Agent({ keepAlive: true });
    await new Promise((resolve) => get(`${url}/ok`, { agent }, (response) => response.resume().on('end', resolve)));
    await waitFor(() => !silent.connecting && !half.connecting);
    for (const socket of [silent, half]) socket.on('error', () => undefined);
    const start = performance.now();
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    expect(performance.now() - start).toBeLessThan(2_500);
    agent.destroy();
  },
);

test('behind a proxy a connection is open for longer than Node.js keeps it', async () => {
  const sandbox = new Sandbox();
  const { url } = await startWith(sandbox, slowly, { TRUST_PROXY: '1' });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const seen: Socket[] = [];
  agent.on('free', (socket: Socket) => seen.push(socket));
  for (const pauseMs of [8000, 0]) {
    await ask(`${url}/ok`, agent);
    await wait(pauseMs);
  }
  expect(seen).toHaveLength(2);
  expect(seen[0]).toBe(seen[1]);
  agent.destroy();
});

test('clients that always have a next request do not hold the end up, and no request of theirs is cut', async () => {
  const sandbox = new Sandbox();
  const { url, child, ended } = await startWith(sandbox);
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const cut: string[] = [];
  let answered = 0;
  const client = async () => {
    for (;;) {
      try {
        await ask(`${url}/slow?ms=30`, agent);
        answered += 1;
      } catch (error) {
        const { code = 'cut' } = error as NodeJS.ErrnoException;
        if (code !== 'ECONNREFUSED') cut.push(code);
        return;
      }
    }
  };
  const clients = [client(), client(), client(), client()];
  await waitFor(() => answered > 20);
  const start = performance.now();
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(performance.now() - start).toBeLessThan(2_500);
  await Promise.all(clients);
  expect(cut).toEqual([]);
});

function ask(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = get(url, { agent }, (response) => response.resume().on('end', resolve).on('error', reject));
    // A kept connection may close at the very moment of its next request; clients then take a new one (RFC 9112, 9.3.1).
    sent.on('error', (error) => reject(sent.reusedSocket ? Object.assign(error, { code: 'ECONNREFUSED' }) : error));
  });
}

test('a request that does not end by the deadline is cut, and the exit code says so', async () => {
  const sandbox = new Sandbox();
  const { url, child, output, ended } = await startWith(sandbox);
  const inFlight = request(`${url}/slow?ms=60000`).catch((error: Error) => error.message);
  await waitFor(() => output().includes('slow began'));
  const start = performance.now();
  child.kill('SIGTERM');
  // Also while the handler's own timer still holds the process.
  expect(await ended).toEqual([1, null]);
  const tookMs = performance.now() - start;
  expect(await inFlight).toMatch(/socket hang up|aborted/);
  expect(tookMs).toBeGreaterThan(3_500);
  expect(tookMs).toBeLessThan(6_000);
  expect(output()).toMatch(/still in flight at the deadline and were cut/);
});

test('a second signal a while later cuts what is in flight; one that comes at once, from npm, does not', async () => {
  const sandbox = new Sandbox();
  const { url, child, output, ended } = await startWith(sandbox);
  const inFlight = request(`${url}/slow?ms=60000`).catch((error: Error) => error.message);
  await waitFor(() => output().includes('slow began'));
  const start = performance.now();
  child.kill('SIGINT');
  await wait(100);
  child.kill('SIGINT');
  await wait(1_200);
  expect(child.exitCode).toBeNull();
  child.kill('SIGINT');
  expect(await ended).toEqual([1, null]);
  expect(performance.now() - start).toBeLessThan(3_500);
  expect(await inFlight).toMatch(/socket hang up|aborted/);
});

test('a timer of the application does not keep a stopped server running', async () => {
  const sandbox = new Sandbox();
  const { child, output, ended } = await startWith(sandbox, 'setInterval(() => undefined, 1000);');
  child.kill('SIGTERM');
  expect(await ended).toEqual([null, 'SIGTERM']);
  expect(output()).toMatch(/the application keeps the process running/);
});

test('nor one that did not start: its exit code tells whoever is to start it again', async () => {
  const sandbox = new Sandbox();
  const { url, directory } = await startWith(sandbox, 'setInterval(() => undefined, 1000);');
  const second = sandbox.spawn(process.execPath, [join(directory, 'server.js')], { env: { PORT: new URL(url).port } });
  let output = '';
  second.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
  expect(await once(second, 'close')).toEqual([1, null]);
  expect(output).toMatch(/is in use[\s\S]*The application keeps the process running/);
});

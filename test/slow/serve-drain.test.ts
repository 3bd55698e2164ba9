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
  'on %s the request in flight gets its response, its session is saved, no new connection is accepted, and the exit code is 0',
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
  'connections that are idle, or have not sent a request, do not delay the exit: %j',
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

test('behind a proxy an idle connection stays open for longer than the default of Node.js', async () => {
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

test('clients that keep sending requests do not delay the exit, and none of their requests is interrupted', async () => {
  const sandbox = new Sandbox();
  const { url, child, ended } = await startWith(sandbox);
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const cut: string[] = [];
  let responses = 0;
  const client = async () => {
    for (;;) {
      try {
        await ask(`${url}/slow?ms=30`, agent);
        responses += 1;
      } catch (error) {
        const { code = 'cut' } = error as NodeJS.ErrnoException;
        if (code !== 'ECONNREFUSED') cut.push(code);
        return;
      }
    }
  };
  const clients = [client(), client(), client(), client()];
  await waitFor(() => responses > 20);
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
    // A connection may close just when the client sends its next request. Clients then open a new one (RFC 9112, 9.3.1).
    sent.on('error', (error) => reject(sent.reusedSocket ? Object.assign(error, { code: 'ECONNREFUSED' }) : error));
  });
}

test('a request that does not finish before the deadline is interrupted, and the exit code is 1', async () => {
  const sandbox = new Sandbox();
  const { url, child, output, ended } = await startWith(sandbox);
  const inFlight = request(`${url}/slow?ms=60000`).catch((error: Error) => error.message);
  await waitFor(() => output().includes('slow began'));
  const start = performance.now();
  child.kill('SIGTERM');
  // The server exits even though the handler's timer is still active.
  expect(await ended).toEqual([1, null]);
  const tookMs = performance.now() - start;
  expect(await inFlight).toMatch(/socket hang up|aborted/);
  expect(tookMs).toBeGreaterThan(3_500);
  expect(tookMs).toBeLessThan(6_000);
  expect(output()).toMatch(/still in flight at the deadline; their connections were closed/);
});

test('a second signal after a while interrupts requests in flight; an immediate one, from npm, does not', async () => {
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

test('a server that did not start exits with code 1, although the application has a timer', async () => {
  const sandbox = new Sandbox();
  const { url, directory } = await startWith(sandbox, 'setInterval(() => undefined, 1000);');
  const second = sandbox.spawn(process.execPath, [join(directory, 'server.js')], { env: { PORT: new URL(url).port } });
  let output = '';
  second.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
  expect(await once(second, 'close')).toEqual([1, null]);
  expect(output).toMatch(/is in use[\s\S]*The application keeps the process running/);
});

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { backOffMs } from '../../src/server/workers/slot.ts';
import { ask, startLoad } from '../support/load.ts';
import { finish, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, isAlive, request, startPlain, untilGone, waitFor } from '../support/server.ts';

/** An application that reports which process responds, the messages of its primary, and the version of its code. */
const application = (version: string) => `
  import { appendFileSync, existsSync } from 'node:fs';
  const orders = [];
  process.on('message', (order) => orders.push(order));
  appendFileSync(new URL('ran', import.meta.url), process.pid + '\\n');
  if (existsSync(new URL('die', import.meta.url))) setTimeout(() => process.exit(3), 300);
  export function routes(app) {
    app.get('/version', (req, res) => res.send('${version}'));
    app.get('/worker', (req, res) => res.json({ pid: process.pid, orders }));
    app.get('/slow', (req, res) => {
      console.log('slow began');
      setTimeout(() => res.send('done'), Number(req.query.ms));
    });
    app.get('/count', async (req, res) => {
      await req.session.update((data) => { data.count = (data.count ?? 0) + 1; });
      res.json({ pid: process.pid, count: req.session.count });
    });
  }`;

interface Worker {
  pid: number;
  orders: string[];
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

/** Sends requests on new connections until this many processes have responded. */
async function meet(url: string, count: number): Promise<Worker[]> {
  const met = new Map<number, Worker>();
  return waitFor(async () => {
    const worker = JSON.parse((await request(`${url}/worker`)).body) as Worker;
    met.set(worker.pid, worker);
    return met.size >= count && [...met.values()];
  });
}

async function startWith(sandbox: Sandbox, workers: string, version = 'one') {
  const directory = await copyEnvironment(sandbox);
  await writeFile(join(directory, 'app.js'), application(version));
  const server = await startPlain(sandbox, directory, { env: { WORKERS: workers }, detached: true });
  return { ...server, directory, pid: server.child.pid ?? 0 };
}

const ended = (child: ChildProcess): Promise<unknown[]> => once(child, 'close');

describe.skipIf(process.platform !== 'linux')('a server with two workers', () => {
  const shared = new Sandbox(afterAll);
  let server: Awaited<ReturnType<typeof startWith>>;

  beforeAll(async () => {
    server = await startWith(shared, '2');
    await meet(server.url, 2);
  });

  test('logs their number, and both of them respond', async () => {
    expect(server.output()).toMatch(/listening at http:\S+, store embedded, 2 workers; Ctrl-C stops/);
    expect((await meet(server.url, 2)).map(({ pid }) => pid).sort()).toEqual(childrenOf(server.pid).sort());
  });

  test('has a primary that opens no store, and runs no code of the application', async () => {
    const isStore = (pid: number): boolean => readFileSync(`/proc/${pid}/maps`, 'utf8').includes('data.mdb');
    expect(childrenOf(server.pid).map(isStore)).toEqual([true, true]);
    expect(isStore(server.pid)).toBe(false);
    const ran = (await readFile(join(server.directory, 'ran'), 'utf8')).trim().split('\n').map(Number);
    expect(ran.sort()).toEqual(childrenOf(server.pid).sort());
  });

  test('shares sessions between both, and loses no increment', async () => {
    const first = await request(`${server.url}/count`);
    const Cookie = first.cookie;
    const responses = await Promise.all(Array.from({ length: 30 }, () => request(`${server.url}/count`, { Cookie })));
    const parsed = responses.map(({ body }) => JSON.parse(body) as { pid: number; count: number });
    expect(new Set(parsed.map(({ pid }) => pid)).size).toBe(2);
    expect(parsed.map(({ count }) => count).sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, n) => n + 2));
  });

  test('lets one worker prune; when it is killed, another worker replaces it, and another one prunes', async () => {
    const workers = await meet(server.url, 2);
    const leaders = workers.filter(({ orders }) => orders.includes('lead'));
    expect(leaders).toHaveLength(1);
    const [killed] = leaders;
    process.kill(killed?.pid ?? 0, 'SIGKILL');
    await waitFor(() => server.output().includes(`worker ${killed?.pid} exited (signal SIGKILL); another starts`));
    await waitFor(async () => {
      const now = await meet(server.url, 2);
      const named = now.filter(({ orders }) => orders.includes('lead'));
      return now.every(({ pid }) => pid !== killed?.pid) && named.length === 1 && named[0]?.pid !== killed?.pid;
    });
  });

  test('serves health checks without a session and without a log line', async () => {
    for (const path of ['/healthz', '/readyz']) {
      const response = await request(`${server.url}${path}`);
      expect(response).toMatchObject({ status: 200, body: 'ok\n', cookie: '' });
      expect(response.headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    }
    await request(`${server.url}/version?last`);
    await waitFor(() => server.output().includes('GET /version?last 200'));
    expect(server.output()).not.toMatch(/healthz|readyz/);
  });

  test('replaces both on SIGHUP under load without a failed request, and then all responses come from the new code', async () => {
    const before = childrenOf(server.pid);
    const load = startLoad(`${server.url}/version`);
    const kept = Array.from({ length: 4 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    for (const agent of kept) await ask(`${server.url}/version`, agent);
    await writeFile(join(server.directory, 'app.js'), application('two'));
    process.kill(server.pid, 'SIGHUP');
    // A retiring worker still waits for the next request on an open connection, but accepts no new connections.
    const retired = await waitFor(async () => {
      const responses = await Promise.all(kept.map((agent) => ask(`${server.url}/readyz`, agent)));
      return responses.find(({ status }) => status !== 200);
    });
    expect(retired).toMatchObject({ status: 503, body: 'not ready\n', headers: { connection: 'close' } });
    await waitFor(() => server.output().includes('reloaded: all workers were replaced (2)'));
    const fresh = await meet(server.url, 2);
    expect(before).not.toContain(fresh[0]?.pid);
    expect(before).not.toContain(fresh[1]?.pid);
    for (let count = 0; count < 5; count += 1) expect((await request(`${server.url}/version`)).body).toBe('two');
    await load.stop();
    expect(load.failures).toEqual([]);
    expect([...load.responses.keys()]).toEqual(['one', 'two']);
    for (const agent of kept) agent.destroy();
    for (const pid of before) await untilGone(pid);
    expect(childrenOf(server.pid)).toHaveLength(2);
  });

  test.each([
    [
      'has a syntax error',
      (path: string) => appendFile(join(path, 'app.js'), '{'),
      /SyntaxError(.|\n)*not reloaded, .*: Syntax/,
    ],
    [
      'dies at once',
      (path: string) => writeFile(join(path, 'app.js'), 'process.exit(9); export const routes = 0;'),
      /not reloaded, .*exit code 9/,
    ],
    ['has no secret', (path: string) => rm(join(path, '.env')), /not reloaded, .*: SESSION_SECRET is not set/],
  ])('keeps the old workers when the new code %s, and logs the reason', async (_, spoil, reason) => {
    const before = childrenOf(server.pid);
    const kept = await Promise.all(['app.js', '.env'].map((name) => readFile(join(server.directory, name), 'utf8')));
    await spoil(server.directory);
    const from = server.output().length;
    process.kill(server.pid, 'SIGHUP');
    await waitFor(() => reason.test(server.output().slice(from)));
    expect(childrenOf(server.pid)).toEqual(before);
    expect((await request(`${server.url}/version`)).body).toBe('two');
    await writeFile(join(server.directory, 'app.js'), kept[0] ?? '');
    await writeFile(join(server.directory, '.env'), kept[1] ?? '', { mode: 0o600 });
  });

  test('restarts a worker that keeps failing with increasing delays, and recovers', async () => {
    const [victim = 0, other = 0] = childrenOf(server.pid);
    await writeFile(join(server.directory, 'die'), '');
    const from = server.output().length;
    process.kill(victim, 'SIGKILL');
    const delays = (): string[] =>
      [
        ...server
          .output()
          .slice(from)
          .matchAll(/another starts in (\d+) ms/g),
      ].map(([, ms]) => ms ?? '');
    await waitFor(() => delays().length >= 3, 20_000);
    await rm(join(server.directory, 'die'));
    expect(isAlive(other)).toBe(true);
    const steps = delays().map(Number);
    expect(steps.slice(1)).toEqual(steps.slice(0, -1).map((ms) => ms * 2));
    expect(await meet(server.url, 2)).toHaveLength(2);
  });

  test('closes the connections of a killed worker, so that no client waits for a response', async () => {
    const load = startLoad(`${server.url}/version`, 12, 0);
    for (let kill = 0; kill < 6; kill += 1) {
      const [victim = 0] = childrenOf(server.pid);
      process.kill(victim, 'SIGKILL');
      await waitFor(() => !childrenOf(server.pid).includes(victim));
      await meet(server.url, 2);
    }
    expect(await Promise.race([load.stop(), wait(5000, 'one waits', { ref: false })])).toBeUndefined();
  });

  test('finishes the requests of both workers on SIGTERM; the exit code is 0, and no process is left', async () => {
    const pids = childrenOf(server.pid);
    const from = server.output().length;
    const inFlight = Array.from({ length: 4 }, () => request(`${server.url}/slow?ms=700`));
    await waitFor(
      () =>
        server
          .output()
          .slice(from)
          .match(/slow began/g)?.length === 4,
    );
    process.kill(server.pid, 'SIGTERM');
    const [end, ...responses] = await Promise.all([ended(server.child), ...inFlight]);
    expect(end).toEqual([0, null]);
    expect(responses.map(({ body }) => body)).toEqual(['done', 'done', 'done', 'done']);
    expect(pids.filter(isAlive)).toEqual([]);
  });
});

test('the delay before a restart doubles from 100 ms to 5 s; a worker that ran for long is replaced at once', () => {
  const delays = [0, 1, 2, 3, 6, 7, 100, 5000].map(backOffMs);
  expect(delays).toEqual([0, 100, 200, 400, 3200, 5000, 5000, 5000]);
});

test('when the primary is killed, its worker finishes its requests and exits', async () => {
  const sandbox = new Sandbox();
  const { url, pid, child, output } = await startWith(sandbox, '1');
  const [worker] = await meet(url, 1);
  const inFlight = request(`${url}/slow?ms=800`);
  await waitFor(() => output().includes('slow began'));
  process.kill(pid, 'SIGKILL');
  await once(child, 'exit');
  expect((await inFlight).body).toBe('done');
  await untilGone(worker?.pid ?? 0);
});

test('on a signal to the whole process group, as from Ctrl-C, requests finish and the exit code is 0', async () => {
  const sandbox = new Sandbox();
  const { url, pid, child, output } = await startWith(sandbox, '1');
  const inFlight = request(`${url}/slow?ms=500`);
  await waitFor(() => output().includes('slow began'));
  process.kill(-pid, 'SIGINT');
  expect(await ended(child)).toEqual([0, null]);
  expect((await inFlight).body).toBe('done');
});

test('with a terminal, SIGHUP stops a server with workers: a terminal sends it when it is closed', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const command = `exec ${process.execPath} ${join(directory, 'server.js')}`;
  const env = { WORKERS: '1' };
  const { child } = await startPlain(sandbox, directory, { env }, ['script', '-qec', command, '/dev/null']);
  const [primary = 0] = childrenOf(child.pid ?? 0);
  const workers = childrenOf(primary);
  expect(workers).toHaveLength(1);
  process.kill(primary, 'SIGHUP');
  expect(await ended(child)).toEqual([0, null]);
  expect([primary, ...workers].filter(isAlive)).toEqual([]);
});

test('when no worker can start, the reason is printed once, and the exit code is 1', async () => {
  const sandbox = new Sandbox();
  const { url, directory } = await startWith(sandbox, '1');
  const { port } = new URL(url);
  const env = { PORT: port, WORKERS: '3' };
  const taken = await finish(sandbox.spawn(process.execPath, ['server.js'], { cwd: directory, env }));
  expect(taken).toMatchObject({ exitCode: 1, stdout: '' });
  expect(taken.stderr.match(/Port \d+ of localhost is in use/g)).toHaveLength(1);
  await writeFile(join(directory, 'app.js'), "throw new Error('early'); export const routes = 0;");
  const broken = await finish(
    sandbox.spawn(process.execPath, ['server.js'], { cwd: directory, env: { ...env, PORT: '0' } }),
  );
  expect(broken.exitCode).toBe(1);
  expect(broken.stderr.match(/^Error: early/gm)).toHaveLength(1);
  expect(broken.stderr.match(/^The server does not start: Error: early \(app\.js:1\)\.$/gm)).toHaveLength(1);
});

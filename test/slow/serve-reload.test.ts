import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { invoke } from '../support/in-process.ts';
import { startLoad } from '../support/load.ts';
import { collect } from '../support/output.ts';
import { Sandbox } from '../support/sandbox.ts';
import {
  copyEnvironment,
  isAlive,
  request,
  type Served,
  serve,
  serveInBackground,
  untilGone,
  waitFor,
} from '../support/server.ts';

const appResponding = (text: string): string => `
  export function routes(app) {
    app.get('/', (req, res) => res.send('${text}'));
    app.get('/pid', (req, res) => res.send(String(process.pid)));
    app.get('/count', async (req, res) => {
      await req.session.update((data) => { data.count = (data.count ?? 0) + 1; });
      res.send(String(req.session.count));
    });
    app.get('/hang', () => { console.log('hangs'); for (;;); });
  }`;

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

async function prepare(sandbox: Sandbox, text = 'one'): Promise<string> {
  const environment = await copyEnvironment(sandbox);
  await writeFile(join(environment, 'app.js'), appResponding(text));
  return environment;
}

const reload = (environment: string, ...args: string[]) => invoke(environment, ['reload', ...args]);

/** Changes a file of the environment while `work` runs, then restores it. */
async function withFile(file: string, change: (text: string) => string, work: () => Promise<void>): Promise<void> {
  const text = await readFile(file, 'utf8');
  await writeFile(file, change(text), { mode: 0o600 });
  await work().finally(() => writeFile(file, text, { mode: 0o600 }));
}

async function statusOf(environment: string): Promise<Record<string, unknown>> {
  return JSON.parse((await invoke(environment, ['status', '--json'])).stdout);
}

describe('a server in the background', () => {
  const shared = new Sandbox(afterAll);
  let environment: string;
  let server: Served;

  const logs = async (): Promise<string> => (await invoke(environment, ['logs'])).stdout;

  beforeAll(async () => {
    environment = await prepare(shared);
    const started = await shared.sessapp(['serve', environment, '--port', '0', '--background', '--json']);
    server = JSON.parse(started.stdout);
    expect(server).toMatchObject({ status: 'running', workers: 1 });
    return async () => {
      if (isAlive(server.pid)) process.kill(server.pid, 'SIGKILL');
      await untilGone(server.pid);
    };
  });

  test('has one worker, and reload replaces it under load without a failed request', async () => {
    const before = (await request(`${server.url}/pid`)).body;
    const load = startLoad(server.url);
    await writeFile(join(environment, 'app.js'), appResponding('two'));
    const { exitCode, stdout, stderr } = await reload(environment);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: 'myenv runs the current code: its worker was replaced.\n',
    });
    expect(stderr).toBe('Replacing workers …\n');
    expect((await request(server.url)).body).toBe('two');
    await load.stop();
    expect(load.failures).toEqual([]);
    expect([...load.responses.keys()]).toEqual(['one', 'two']);
    await untilGone(Number(before));
    const { url, pid } = server;
    expect(await statusOf(environment)).toMatchObject({ running: true, url, pid, workers: 1, ready: 1 });
  });

  test('applies the number of workers and the mode from .env on reload', async () => {
    const settings = 'WORKERS=2\nNODE_ENV=production\nHOST=127.0.0.1\n';
    await withFile(
      join(environment, '.env'),
      (text) => text + settings,
      async () => {
        const { stdout } = await reload(environment, '--json');
        expect(JSON.parse(stdout)).toEqual({ version: 1, status: 'reloaded', workers: 2 });
        expect(await statusOf(environment)).toMatchObject({ url: server.url, workers: 2, ready: 2 });
        expect((await invoke(environment, ['status'])).stdout).toContain(`(process ${server.pid}, 2 workers, started`);
        await request(`${server.url}/pid`);
        await waitFor(async () => /"url":"\/pid".*"statusCode":200/.test(await logs()));
        expect(await logs()).toContain('HOST or PORT has changed: stop and start the server');
      },
    );
    expect((await reload(environment)).exitCode).toBe(0);
    expect(await statusOf(environment)).toMatchObject({ workers: 1, ready: 1 });
    await waitFor(() => childrenOf(server.pid).length === 1);
  });

  test.each([
    [
      'its code has a syntax error',
      'app.js',
      'export function routes( {',
      /No worker was replaced; .*: SyntaxError: .* \(app\.js:\d+\)\./,
      /sessapp logs\n$/,
    ],
    [
      'its secret is short',
      '.env',
      'SESSION_SECRET=short\n',
      /still run the old code: SESSION_SECRET has 5 bytes/,
      /sessapp secret rotate/,
    ],
  ])(
    'when %s, reload fails with the reason, and the old worker keeps running',
    async (_, name, content, fact, remedy) => {
      const { body: pid } = await request(`${server.url}/pid`);
      await withFile(
        join(environment, name),
        () => content,
        async () => {
          const failed = await reload(environment);
          expect(failed).toMatchObject({ exitCode: 1, stdout: '' });
          expect(failed.stderr).toMatch(fact);
          expect(failed.stderr).toMatch(remedy);
          expect(JSON.parse((await reload(environment, '--json')).stdout).error.code).toBe('not-reloaded');
          expect((await request(`${server.url}/pid`)).body).toBe(pid);
        },
      );
      expect((await reload(environment)).exitCode).toBe(0);
    },
  );

  test('a connection that is handed over to a retiring worker goes to the next worker', async () => {
    const load = startLoad(server.url, 8, 0);
    for (let count = 0; count < 30; count += 1) {
      const { body: before } = await request(`${server.url}/pid`);
      process.kill(server.pid, 'SIGHUP');
      await waitFor(async () => (await request(`${server.url}/pid`)).body !== before);
    }
    // A lost connection would never get a response.
    expect(await Promise.race([load.stop(), wait(5000, 'hangs', { ref: false })])).toBeUndefined();
    expect(load.failures).toEqual([]);
  });

  test('each of several concurrent reloads waits for a reload that started after its own request', async () => {
    await writeFile(join(environment, 'app.js'), appResponding('three'));
    const results = await Promise.all([reload(environment), reload(environment), reload(environment)]);
    expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0]);
    expect((await request(server.url)).body).toBe('three');
  });

  test('a reload right after a rotation logs nobody out', async () => {
    let { cookie } = await request(`${server.url}/count`);
    const before = cookie;
    const counts: number[] = [];
    let isOver = false;
    const visit = async (): Promise<void> => {
      for (; !isOver; await wait(20)) {
        const response = await request(`${server.url}/count`, { Cookie: cookie });
        counts.push(Number(response.body));
        cookie = response.cookie || cookie;
      }
    };
    const rotate = async (): Promise<void> => {
      expect((await invoke(environment, ['secret', 'rotate'])).exitCode).toBe(0);
      expect((await reload(environment)).exitCode).toBe(0);
      await waitFor(() => cookie !== before);
    };
    await Promise.all([visit(), rotate().finally(() => (isOver = true))]);
    expect(counts).toEqual(counts.map((_, index) => index + 2));
  });

  test('stop also stops a worker that hangs', async () => {
    const pid = Number((await request(`${server.url}/pid`)).body);
    request(`${server.url}/hang`).catch(() => undefined);
    await waitFor(async () => (await logs()).includes('hangs'));
    expect(JSON.parse((await invoke(environment, ['stop', '--json'])).stdout).status).toBe('stopped');
    expect([pid, server.pid].filter(isAlive)).toEqual([]);
  });
});

test('reload fails for a server without workers, which keeps running, and says how to start one', async () => {
  const sandbox = new Sandbox();
  const environment = await prepare(sandbox);
  const none = await reload(environment);
  expect(none).toMatchObject({ exitCode: 1, stdout: '' });
  expect(none.stderr).toMatch(/The server of .*myenv is not running\.\nTo start it: sessapp serve --background\n$/);
  const { url } = await serve(sandbox, environment);
  const refused = await reload(environment);
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' });
  expect(refused.stderr).toMatch(
    /runs without workers.*\nOne worker is enough: sessapp stop, then sessapp serve --workers 1\n$/,
  );
  expect((await request(url)).body).toBe('one');
});

test('serve --workers prints the number of workers, and reload works; after a kill -9 of serve no process is left', async () => {
  const sandbox = new Sandbox();
  const environment = await prepare(sandbox);
  const child = sandbox.start(['serve', environment, '--port', '0', '--workers', '2']);
  const output = collect(child);
  const banner = await waitFor(() => /.*runs at.*/.exec(output.stderr())?.[0]);
  expect(banner).toMatch(/^myenv runs at http:\S+ \(embedded store, 2 workers\)\. Ctrl-C stops it\.$/);
  await waitFor(async () => (await statusOf(environment)).ready === 2);
  const { pid, background } = await statusOf(environment);
  expect(background).toBe(false);
  const moved = sandbox.path('moved');
  await rename(environment, moved);
  expect(await statusOf(moved)).toMatchObject({ pid, workers: 2 });
  await rename(moved, environment);
  expect((await reload(environment)).exitCode).toBe(0);
  const all = [Number(pid), ...childrenOf(Number(pid))];
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (const process of all) await untilGone(process);
});

test('after a kill -9 of the primary no worker is left, and status says that no server runs', async () => {
  const sandbox = new Sandbox();
  const environment = await prepare(sandbox);
  const { pid } = await serveInBackground(sandbox, environment, ['--workers', '2']);
  await waitFor(async () => (await statusOf(environment)).ready === 2);
  const workers = childrenOf(pid);
  process.kill(pid, 'SIGKILL');
  for (const worker of workers) await untilGone(worker);
  expect(await statusOf(environment)).toEqual({ version: 1, running: false });
  expect((await reload(environment)).stderr).toMatch(/is not running/);
});

import type { SpawnOptions } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { collect } from '../support/output.ts';
import { cli, Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, isAlive, request, serve, untilGone, waitFor } from '../support/server.ts';

const slow =
  "app.get('/slow', (req, res) => { console.log('slow began'); setTimeout(() => res.send('done'), +req.query.ms); });";

test.each([
  ['SIGINT', 'serve alone'],
  ['SIGTERM', 'serve alone'],
  ['SIGINT', 'the whole process group'],
  ['SIGTERM', 'the whole process group'],
] as const)('%s to %s lets the request in flight end; the exit code is 0 and no server is left', async (signal, to) => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await addRoutes(environment, slow);
  const { url, pid, child } = await serve(sandbox, environment, [], { detached: true });
  const output = collect(child);
  const inFlight = request(`${url}/slow?ms=500`);
  await waitFor(() => output.stderr().includes('slow began'));
  process.kill(to === 'serve alone' ? (child.pid ?? 0) : -(child.pid ?? 0), signal);
  expect(await output.ended).toEqual([0, null]);
  expect(await inFlight).toMatchObject({ status: 200, body: 'done' });
  expect(isAlive(pid)).toBe(false);
});

test('Ctrl-C in a terminal lets the request in flight finish, then serve and the server exit', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await addRoutes(environment, `${slow} app.get('/pid', (req, res) => res.send(String(process.pid)));`);
  const command = `exec ${process.execPath} ${cli} serve ${environment} --port 0`;
  const terminal = sandbox.spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const output = collect(terminal);
  const url = await waitFor(() => /runs at .*?(http:\/\/localhost:\d+)/.exec(output.stdout())?.[1]);
  const pid = Number((await request(`${url}/pid`)).body);
  const inFlight = request(`${url}/slow?ms=500`);
  await waitFor(() => output.stdout().includes('slow began'));
  terminal.stdin?.write('\x03');
  expect((await inFlight).body).toBe('done');
  expect(await output.ended).toEqual([0, null]);
  expect(output.stdout()).toMatch(/Stopped\./);
  await untilGone(pid);
});

test('a request that takes longer than the deadline is interrupted, and serve reports it with exit code 1', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await addRoutes(environment, slow);
  const { url, pid, child } = await serve(sandbox, environment);
  const output = collect(child);
  const inFlight = request(`${url}/slow?ms=60000`).catch((error: Error) => error.message);
  await waitFor(() => output.stderr().includes('slow began'));
  const start = performance.now();
  child.kill('SIGTERM');
  expect(await output.ended).toEqual([1, null]);
  expect(performance.now() - start).toBeLessThan(6_500);
  expect(await inFlight).toMatch(/socket hang up|aborted/);
  expect(JSON.parse(output.stdout().trimEnd().split('\n').at(-1) ?? '').error.code).toBe('not-drained');
  expect(isAlive(pid)).toBe(false);
});

test.each([
  ['a timer', 'setInterval(() => undefined, 1000);'],
  ['a connection', "import('node:net').then(({ createServer }) => createServer().listen(0));"],
])('with %s of the application still open, the server stops cleanly', async (_, statements) => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await addRoutes(environment, statements);
  const { child } = await serve(sandbox, environment);
  const output = collect(child);
  child.kill('SIGTERM');
  expect(await output.ended).toEqual([0, null]);
});

test('serve kills a server that hangs in a loop, and reports it', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await addRoutes(environment, "app.get('/hang', () => { console.log('hangs'); for (;;); });");
  const { url, pid, child } = await serve(sandbox, environment);
  const output = collect(child);
  request(`${url}/hang`).catch(() => undefined);
  await waitFor(() => output.stderr().includes('hangs'));
  child.kill('SIGTERM');
  expect(await output.ended).toEqual([1, null]);
  expect(output.stdout()).toMatch(/"code":"not-drained".*signal SIGKILL/);
  expect(isAlive(pid)).toBe(false);
  expect((await sandbox.sessapp(['status', join(environment)])).exitCode).toBe(1);
});

test.each([
  ['sessapp serve', (environment: string) => [process.execPath, cli, 'serve', environment, '--port', '0']],
  [
    'sessapp run',
    (environment: string) => [
      process.execPath,
      cli,
      'run',
      '-e',
      environment,
      '--',
      'node',
      `${environment}/server.js`,
    ],
  ],
  ['node server.js', (environment: string) => [process.execPath, `${environment}/server.js`]],
])(
  'nohup %s keeps running after SIGHUP to its group; without nohup, closing the terminal stops it',
  async (_, commandOf) => {
    const sandbox = new Sandbox();
    const environment = await copyEnvironment(sandbox);
    await addRoutes(environment, "app.get('/pid', (req, res) => res.send(String(process.pid)));");
    const options: SpawnOptions = { detached: true, env: { PORT: '0', NODE_ENV: 'production' } };
    const child = sandbox.spawn('nohup', commandOf(environment), options);
    const output = collect(child);
    const urlIn = (text: string) => /(?:runs|listening) at [^h]*(http:\/\/localhost:\d+)/.exec(text)?.[1];
    const url = await waitFor(() => urlIn(output.stdout() + output.stderr()));
    process.kill(-(child.pid ?? 0), 'SIGHUP');
    await wait(300);
    const pid = Number((await request(`${url}/pid`)).body);
    child.kill('SIGTERM');
    expect(await output.ended).toEqual([0, null]);
    await untilGone(pid);

    const line = ['exec', ...commandOf(environment)].join(' ');
    const terminal = sandbox.spawn('script', ['-qec', line, '/dev/null'], {
      ...options,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const shown = collect(terminal);
    const there = await waitFor(() => urlIn(shown.stdout()));
    const other = Number((await request(`${there}/pid`)).body);
    terminal.kill('SIGKILL');
    await untilGone(other);
  },
);

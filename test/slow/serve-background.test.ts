import { appendFile, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { collect } from '../support/output.ts';
import { finish, Sandbox } from '../support/sandbox.ts';
import {
  addRoutes,
  copyEnvironment,
  isAlive,
  killAtEnd,
  request,
  serve,
  serveInBackground,
  untilGone,
  waitFor,
} from '../support/server.ts';

async function statusOf(sandbox: Sandbox, environment: string): Promise<Record<string, unknown>> {
  const { exitCode, stdout } = await sandbox.sessapp(['status', environment, '--json']);
  return { exitCode, ...(JSON.parse(stdout) as Record<string, unknown>) };
}

test('a background server responds when serve returns; status, logs and stop find it; stop ends it', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const beforeMs = Date.now();
  const started = await sandbox.sessapp(['serve', environment, '--port', '0', '--background']);
  expect(started).toMatchObject({ exitCode: 0, stderr: '' });
  const [, url = '', pid] =
    /runs at (http:\S+) \(process (\d+)\)\. To stop it: sessapp stop myenv/.exec(started.stdout) ?? [];
  killAtEnd(Number(pid));
  expect((await request(`${url}/profile`)).status).toBe(200);

  const status = await statusOf(sandbox, environment);
  expect(status).toMatchObject({ exitCode: 0, running: true, url, pid: Number(pid), background: true });
  expect(Date.parse(String(status.since))).toBeGreaterThanOrEqual(beforeMs);
  expect(Date.parse(String(status.since))).toBeLessThanOrEqual(Date.now());
  const text = await sandbox.sessapp(['status', environment]);
  expect(text.stdout).toMatch(new RegExp(`^myenv runs at ${url} \\(process ${pid}, started (now|\\d+s ago)\\)\\.\n$`));
  expect((await sandbox.sessapp(['logs', environment])).stdout).toMatch(/^\d\d:\d\d:\d\d GET \/profile 200 \d+ ms\n$/);

  expect(await sandbox.sessapp(['stop', environment])).toMatchObject({ exitCode: 0, stdout: 'myenv has stopped.\n' });
  expect(await readdir(join(environment, 'data'))).not.toContain('server.json');
  expect(isAlive(Number(pid))).toBe(false);
  await expect(request(url)).rejects.toThrow('ECONNREFUSED');
  expect(await sandbox.sessapp(['stop', environment])).toMatchObject({
    exitCode: 0,
    stdout: 'myenv is not running.\n',
  });
  expect(await sandbox.sessapp(['status', environment])).toMatchObject({
    exitCode: 1,
    stdout: 'myenv is not running.\n',
  });
  expect(await statusOf(sandbox, environment)).toEqual({ exitCode: 1, version: 1, running: false });
});

test('when a background server does not start, the error has the reason and the end of the log', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await writeFile(
    join(environment, 'app.js'),
    "console.log('so far'); throw new Error('early'); export const routes = 0;",
  );
  const result = await sandbox.sessapp(['serve', environment, '--port', '0', '--background']);
  expect(result).toMatchObject({ exitCode: 1, stdout: '' });
  expect(result.stderr).toMatch(/The server does not start: Error: early \(app\.js:\d+\)\.\n.*so far\n.*Error: early/s);
  expect(result.stderr).toContain(join(environment, 'data', 'server.log'));
  const json = await sandbox.sessapp(['serve', environment, '--port', '0', '--background', '--json']);
  expect(JSON.parse(json.stdout).error.code).toBe('server-failed');
  expect((await statusOf(sandbox, environment)).running).toBe(false);
});

test('an environment has only one server: a second serve says where it runs and how to stop it', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { url, pid, child } = await serve(sandbox, environment);
  const output = collect(child);
  for (const args of [[], ['--background']]) {
    const second = await sandbox.sessapp(['serve', environment, '--port', '0', ...args]);
    expect(second).toMatchObject({ exitCode: 1, stdout: '' });
    expect(second.stderr).toContain(`is running at ${url} (process ${pid}).\nTo stop it: sessapp stop myenv`);
  }
  expect(await statusOf(sandbox, environment)).toMatchObject({ running: true, pid, background: false });
  expect(await sandbox.sessapp(['stop', environment, '--json'])).toMatchObject({
    exitCode: 0,
    stdout: '{"version":1,"status":"stopped","forced":false}\n',
  });
  expect(await output.ended).toEqual([0, null]);
});

test('of eight concurrent background starts exactly one runs, and the others report it', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const attempts = Array.from({ length: 8 }, () =>
    sandbox.sessapp(['serve', environment, '--port', '0', '--background', '--json']),
  );
  const results = (await Promise.all(attempts)).map(({ exitCode, stdout }) => ({ exitCode, ...JSON.parse(stdout) }));
  const made = results.filter(({ exitCode }) => exitCode === 0);
  for (const { pid } of made) killAtEnd(pid);
  expect(made).toHaveLength(1);
  for (const { exitCode, error } of results.filter((result) => result !== made[0]))
    expect({ exitCode, code: error.code }).toEqual({ exitCode: 1, code: 'already-running' });
  expect(await statusOf(sandbox, environment)).toMatchObject({ running: true, pid: made[0].pid });
});

test('logs says that a log without lines is empty, not missing', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const said = async () => (await sandbox.sessapp(['logs', environment])).stderr;
  expect(await said()).toMatch(/^There is no log/);
  await serveInBackground(sandbox, environment);
  expect(await said()).toBe('The log is empty so far.\n');
});

test.skipIf(process.platform === 'win32')(
  'a server stops by itself when its environment is removed, and keeps running when it is moved',
  async () => {
    const sandbox = new Sandbox();
    const environment = await copyEnvironment(sandbox);
    const { url, pid } = await serveInBackground(sandbox, environment);
    await rename(environment, `${environment}-moved`);
    await wait(1500);
    expect((await request(url)).status).toBe(200);
    await rm(`${environment}-moved`, { recursive: true });
    await untilGone(pid);
  },
);

test('stop also stops a suspended server', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { child, pid } = await serve(sandbox, environment);
  child.kill('SIGSTOP');
  const { stdout } = await sandbox.sessapp(['stop', environment, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ status: 'stopped', forced: false });
  await untilGone(pid);
});

test('after a kill -9 of the server, status says that it is not running, and serve starts it again', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { pid } = await serveInBackground(sandbox, environment);
  process.kill(pid, 'SIGKILL');
  await untilGone(pid);
  expect(await statusOf(sandbox, environment)).toMatchObject({ exitCode: 1, running: false });
  const { url } = await serveInBackground(sandbox, environment);
  expect((await request(url)).status).toBe(200);
});

test('a record whose pid now belongs to another process is recognised, and that process gets no signal', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { pid } = await serveInBackground(sandbox, environment);
  const path = join(environment, 'data', 'server.json');
  const record = JSON.parse(await readFile(path, 'utf8'));
  process.kill(pid, 'SIGKILL');
  await untilGone(pid);
  const stranger = sandbox.spawn('sleep', ['60']);
  for (const pid of [stranger.pid, process.pid]) {
    await writeFile(path, JSON.stringify({ ...record, pid, owner: { ...record.owner, pid } }));
    expect(await statusOf(sandbox, environment)).toMatchObject({ exitCode: 1, running: false });
    expect((await sandbox.sessapp(['stop', environment])).stdout).toBe('myenv is not running.\n');
  }
  expect([stranger.exitCode, stranger.signalCode]).toEqual([null, null]);
  await serveInBackground(sandbox, environment);
});

test.each(['not JSON', '{}', '{"owner":{"pid":"x"}}', '[]', 'null', ''])(
  'a record with the content %j is ignored',
  async (content) => {
    const sandbox = new Sandbox();
    const environment = await copyEnvironment(sandbox);
    await finish(sandbox.spawn('mkdir', [join(environment, 'data')]));
    await writeFile(join(environment, 'data', 'server.json'), content);
    expect(await statusOf(sandbox, environment)).toMatchObject({ exitCode: 1, running: false });
    expect((await sandbox.sessapp(['stop', environment])).exitCode).toBe(0);
  },
);

test('the copy of a running environment is not running, and its stop does not affect the original', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { url, pid } = await serveInBackground(sandbox, environment);
  const copy = sandbox.path('copy');
  await finish(sandbox.spawn('cp', ['-a', environment, copy]));
  expect(await statusOf(sandbox, copy)).toMatchObject({ exitCode: 1, running: false });
  expect((await sandbox.sessapp(['stop', copy])).stdout).toBe('copy is not running.\n');
  expect((await request(url)).status).toBe(200);
  const second = await serveInBackground(sandbox, copy);
  expect(second.pid).not.toBe(pid);
  expect((await sandbox.sessapp(['stop', copy])).exitCode).toBe(0);
  expect(isAlive(pid)).toBe(true);
});

test('a background server outlives its terminal, and is found after its environment was moved', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const command = `${process.execPath} ${join(import.meta.dirname, '../../bin/sessapp.js')} serve myenv --port 0 --background --json`;
  const { stdout } = await finish(sandbox.spawn('script', ['-qec', command, '/dev/null']));
  const { url, pid } = JSON.parse(stdout.trim());
  killAtEnd(pid);
  expect((await request(url)).status).toBe(200);
  await rename(environment, sandbox.path('moved'));
  expect(await statusOf(sandbox, sandbox.path('moved'))).toMatchObject({ running: true, url });
  expect((await sandbox.sessapp(['stop', sandbox.path('moved')])).stdout).toBe('moved has stopped.\n');
  expect(isAlive(pid)).toBe(false);
});

test('stop waits for requests in flight', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await addRoutes(
    environment,
    "app.get('/slow', (req, res) => { console.log('slow began'); setTimeout(() => res.send('done'), 800); });",
  );
  const { url, pid } = await serveInBackground(sandbox, environment);
  const inFlight = request(`${url}/slow`);
  await waitFor(async () => (await sandbox.sessapp(['logs', environment])).stdout.includes('slow began'));
  expect((await sandbox.sessapp(['stop', environment])).exitCode).toBe(0);
  expect(isAlive(pid)).toBe(false);
  expect((await inFlight).body).toBe('done');
});

test('logs shows the last lines; only the owner can read the log; the previous log is kept', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const log = join(environment, 'data', 'server.log');
  const none = await sandbox.sessapp(['logs', environment]);
  expect(none).toMatchObject({ exitCode: 0, stdout: '', stderr: expect.stringContaining('no log') });
  await serveInBackground(sandbox, environment);
  expect((await stat(log)).mode & 0o777).toBe(0o600);
  await appendFile(log, Array.from({ length: 300 }, (_, index) => `line ${index}\n`).join(''));
  const lines = async (...args: string[]) => (await sandbox.sessapp(['logs', environment, ...args])).stdout.split('\n');
  expect(await lines('-n', '2')).toEqual(['line 298', 'line 299', '']);
  expect((await lines()).length).toBe(101);
  const json = JSON.parse((await sandbox.sessapp(['logs', environment, '-n', '1', '--json'])).stdout);
  expect(json).toEqual({ version: 1, log, lines: ['line 299'] });
  await sandbox.sessapp(['stop', environment]);
  await serveInBackground(sandbox, environment);
  expect(await readFile(`${log}.1`, 'utf8')).toContain('line 299');
  expect(await lines()).toEqual(['']);
});

test('logs -f continues after a restart of the server, and Ctrl-C stops it', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const first = await serveInBackground(sandbox, environment);
  await request(`${first.url}/first`);
  const child = sandbox.start(['logs', environment, '-f', '-n', '1']);
  const output = collect(child);
  await waitFor(() => /GET \/first 404/.test(output.stdout()));
  await request(`${first.url}/last`);
  await sandbox.sessapp(['stop', environment]);
  const second = await serveInBackground(sandbox, environment);
  await request(`${second.url}/second`);
  await waitFor(() => /GET \/last 404(.|\n)*GET \/second 404/.test(output.stdout()));
  child.kill('SIGINT');
  expect(await output.ended).toEqual([130, null]);
  expect(output.stdout().match(/GET \/\w+/g)).toEqual(['GET /first', 'GET /last', 'GET /second']);
});

test('a log of 10 MB is rotated, and the previous one is kept, with one worker and with two', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const noise = "for (let n = 0; n < 1000; n += 1) req.log.info({ noise: 'x'.repeat(900) }, 'noise');";
  await addRoutes(environment, `app.get('/noise', (req, res) => { ${noise} res.send(); });`);
  const log = join(environment, 'data', 'server.log');
  for (const workers of ['1', '2']) {
    const { url } = await serveInBackground(sandbox, environment, ['--production', '--workers', workers]);
    for (let round = 0; round < 2; round += 1) {
      for (let n = 0; n < 12; n += 1) await request(`${url}/noise`);
      await waitFor(async () => (await stat(log)).size < 1_000_000);
      expect((await stat(`${log}.1`)).size).toBeGreaterThan(10_000_000);
      expect((await stat(`${log}.1`)).mode & 0o777).toBe(0o600);
    }
    await request(`${url}/ok?last`);
    await waitFor(async () => (await sandbox.sessapp(['logs', environment])).stdout.includes('/ok?last'));
    for (const line of (await readFile(log, 'utf8')).trimEnd().split('\n')) JSON.parse(line);
    await sandbox.sessapp(['stop', environment]);
  }
});

test('logs escapes control characters', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await addRoutes(
    environment,
    "app.get('/say', (req, res) => { console.log('raw \\x1b[2J \\u009b end 한글'); res.send(); });",
  );
  const { url } = await serveInBackground(sandbox, environment);
  const following = sandbox.start(['logs', environment, '-f']);
  const output = collect(following);
  await request(`${url}/say`);
  await waitFor(() => output.stdout().includes('end 한글'));
  const printed = await sandbox.sessapp(['logs', environment]);
  for (const text of [output.stdout(), printed.stdout]) {
    expect(text).toContain(String.raw`raw \u001b[2J \u009b end 한글`);
    expect(text).not.toMatch(/[^\P{Cc}\n]/u);
  }
  following.kill('SIGINT');
  await output.ended;
});

test('logs -f exits when its reader has exited', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { url } = await serveInBackground(sandbox, environment);
  const child = sandbox.start(['logs', environment, '-f']);
  child.stdout?.destroy();
  await request(url);
  const [exitCode] = await collect(child).ended;
  expect(exitCode).toBe(0);
});

test.each([['0'], ['-1'], ['x'], ['']])('logs -n %j is a usage error', async (lines) => {
  const sandbox = new Sandbox();
  expect((await sandbox.sessapp(['logs', `--lines=${lines}`])).exitCode).toBe(2);
});

test('a server that is still starting counts as running, and stop stops it', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const begun = sandbox.path('begun');
  await writeFile(
    join(environment, 'app.js'),
    `import { writeFileSync } from 'node:fs';
    writeFileSync(${JSON.stringify(begun)}, '');
    await new Promise((resolve) => setTimeout(resolve, 20_000));
    export const routes = 0;`,
  );
  const starter = finish(sandbox.start(['serve', environment, '--port', '0', '--background']));
  await waitFor(() => readFile(begun).catch(() => undefined));
  expect(await statusOf(sandbox, environment)).toEqual({ exitCode: 1, version: 1, running: false, starting: true });
  expect((await sandbox.sessapp(['serve', environment])).stderr).toMatch(/is being started by process \d+/);
  expect((await sandbox.sessapp(['stop', environment])).exitCode).toBe(0);
  expect((await starter).exitCode).toBe(143);
  await rm(begun);
});

test('releases that share their data directory find one server; a copy has its own server', async () => {
  const sandbox = new Sandbox();
  const first = await copyEnvironment(sandbox, 'first');
  await rename(join(first, 'data'), sandbox.path('data')).catch(() => mkdir(sandbox.path('data'), { mode: 0o700 }));
  await symlink(sandbox.path('data'), join(first, 'data'));
  await finish(sandbox.spawn('cp', ['-a', first, sandbox.path('second')]));
  const { url } = await serveInBackground(sandbox, first);
  const run = (...args: string[]) => sandbox.sessapp(args);
  expect((await run('status', 'first')).stdout).toMatch(`runs at ${url} (process`);
  expect((await run('status', 'second')).stdout).toMatch(`runs at ${url} from ${first} (process`);
  expect((await run('doctor', 'second', '--verbose')).stdout).toContain(`The server runs at ${url} from ${first}.`);
  expect((await run('serve', 'second', '--port', '0')).stderr).toMatch(/already|is running at .* from .*first\./);
  await finish(sandbox.spawn('cp', ['-aL', first, sandbox.path('copy')]));
  expect((await run('status', 'copy')).stdout).toBe('copy is not running.\n');
  expect((await run('stop', 'second')).stdout).toBe('second has stopped.\n');
  expect((await run('status', 'first')).exitCode).toBe(1);
});

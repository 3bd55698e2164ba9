import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { mountable, mountDisk, onlyWithMount as withRightToMount } from '../support/privileges.ts';
import { fill } from '../support/records.ts';
import { type Sandbox as Box, finish, repository, Sandbox } from '../support/sandbox.ts';
import {
  addRoutes,
  copyEnvironment,
  request,
  serveInBackground,
  startPlain,
  untilGone,
  waitFor,
} from '../support/server.ts';

const routes = `
  app.get('/fill', (req, res) => { req.session.userId = 'ann'; req.session.text = 'x'.repeat(60000); res.send('saved'); });
  app.get('/read', (req, res) => res.send(req.session.userId ?? 'nobody'));
  app.get('/logout', (req, res) => req.session.destroy(() => res.send('out')));`;

async function prepare(sandbox: Box): Promise<string> {
  const directory = await copyEnvironment(sandbox);
  await addRoutes(directory, routes);
  return directory;
}

async function fillUp(url: string): Promise<string[]> {
  const cookies: string[] = [];
  for (let count = 0; count < 100; count += 1) {
    const { status, cookie, body, headers } = await request(`${url}/fill`);
    if (status === 200) cookies.push(cookie);
    else {
      expect({ status, cookie, body }).toEqual({
        status: 503,
        cookie: '',
        body: expect.stringContaining('not available'),
      });
      expect(headers['retry-after']).toBe('5');
      return cookies;
    }
  }
  throw new Error('the disk did not fill up');
}

// A mount in a separate namespace needs no privileges, if the system allows it.
const canMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
const onlyWithMount = canMount ? '' : ' (skipped: needs util-linux’ unshare, and the right to use it)';

/** Starts the server in a separate namespace. The script starts it once more when it is killed. */
function startIn(sandbox: Box, directory: string, preparation: string): ReturnType<typeof startPlain> {
  const script = `${preparation} && "$NODE" server.js; exec "$NODE" server.js`;
  const env = { NODE: process.execPath };
  return startPlain(sandbox, directory, { cwd: directory, env }, ['unshare', '-rm', 'sh', '-c', script]);
}

async function killServer({ pid }: ChildProcess): Promise<void> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  process.kill(Number(children.trim()), 'SIGKILL');
}

test.runIf(canMount)(
  `on a full disk a save is a logged 503, existing sessions can be read, and free space ends the outage${onlyWithMount}`,
  async () => {
    const sandbox = new Sandbox();
    const directory = await prepare(sandbox);
    const data = join(directory, 'data');
    await mkdir(data, { recursive: true });
    const first = await startIn(sandbox, directory, 'mount -t tmpfs -o size=2m tmpfs data');
    const cookies = await fillUp(first.url);
    expect(first.output()).toMatch(/the session could not be saved: a 503 response was sent/);
    expect(cookies.length).toBeGreaterThan(5);

    await killServer(first.child);
    const url = await waitFor(() => /listening.*listening at (http:\/\/[^\s,]+)/s.exec(first.output())?.[1]);
    for (const Cookie of cookies) expect((await request(`${url}/read`, { Cookie })).body).toBe('ann');
    expect((await request(`${url}/fill`)).status).toBe(503);

    const remount = ['mount', '-o', 'remount,size=4m', data];
    expect(spawnSync('nsenter', ['-t', `${first.child.pid}`, '-U', '-m', ...remount]).status).toBe(0);
    expect((await request(`${url}/fill`)).status).toBe(200);
    const [Cookie = ''] = cookies;
    expect((await request(`${url}/logout`, { Cookie })).body).toBe('out');
    expect((await request(`${url}/read`, { Cookie })).body).toBe('nobody');
  },
);

describe.runIf(mountable)(
  `a background server whose log, state and store are on a full disk${withRightToMount}`,
  () => {
    const routesOfWorker = `${routes}
    app.get('/pid', (req, res) => res.send(String(process.pid)));
    app.get('/print', (req, res) => { console.error('e'.repeat(5000)); console.log('o'.repeat(5000)); res.send('printed'); });`;

    async function startOnFullDisk(sandbox: Box) {
      const directory = await copyEnvironment(sandbox);
      await addRoutes(directory, routesOfWorker);
      const data = join(directory, 'data');
      await mountDisk(data, '3m');
      const server = await serveInBackground(sandbox, directory);
      const run = (command: string) => sandbox.sessapp([command, directory]);
      // The disk cannot be unmounted while a worker uses it.
      onTestFinished(async () => void (await run('stop')));
      const { cookie } = await request(`${server.url}/fill`);
      await waitFor(async () => (await readdir(data)).includes('counts.json'));
      const fillDisk = async (): Promise<void> =>
        appendFile(join(data, 'filler'), Buffer.alloc(4_000_000)).catch((error) => expect(error.code).toBe('ENOSPC'));
      await fillDisk();
      const pidOfWorker = async (): Promise<number> => Number((await request(`${server.url}/pid`)).body);
      return { ...server, directory, data, cookie, fillDisk, pidOfWorker, run };
    }

    test('keeps its worker: changes get a 503, and reads work', async () => {
      const sandbox = new Sandbox();
      const { url, data, cookie, pidOfWorker } = await startOnFullDisk(sandbox);
      const before = await pidOfWorker();
      for (let count = 0; count < 5; count += 1) {
        expect((await request(`${url}/fill`)).status).toBe(503);
        expect((await request(`${url}/print`)).body).toBe('printed');
        expect((await request(`${url}/read`, { Cookie: cookie })).body).toBe('ann');
        expect((await request(`${url}/readyz`)).status).toBe(200);
      }
      expect(await pidOfWorker()).toBe(before);

      await rm(join(data, 'filler'));
      expect((await request(`${url}/fill`)).status).toBe(200);
      await waitFor(async () => /log lines were dropped/.test(await readFile(join(data, 'server.log'), 'utf8')));
      expect(await pidOfWorker()).toBe(before);
    });

    test('has its state reported, is reloaded and is stopped', async () => {
      const sandbox = new Sandbox();
      const { url, directory, data, pidOfWorker, run } = await startOnFullDisk(sandbox);
      const before = await pidOfWorker();
      expect(await run('reload')).toMatchObject({ exitCode: 0 });
      const after = await pidOfWorker();
      expect(after).not.toBe(before);

      // Without app.js, no worker starts.
      await rename(join(directory, 'app.js'), join(directory, 'away.js'));
      process.kill(after, 'SIGKILL');
      await waitFor(async () => /its worker is not running/.test((await run('status')).stdout));
      expect((await run('status')).exitCode).toBe(1);
      await rename(join(directory, 'away.js'), join(directory, 'app.js'));
      await waitFor(async () => (await run('status')).exitCode === 0);
      expect((await request(`${url}/pid`)).status).toBe(200);

      expect((await readdir(data)).filter((name) => name.endsWith('.new'))).toEqual([]);
      expect((await run('stop')).exitCode).toBe(0);
      expect(await readdir(data)).not.toContain('workers.json');
    });

    test('writes its state when there is space again', async () => {
      const sandbox = new Sandbox();
      const { pid, data, fillDisk, url } = await startOnFullDisk(sandbox);
      const state = ['counts.json', 'workers.json'];
      for (const name of state) await rm(join(data, name));
      await fillDisk();
      process.kill(pid, 'SIGHUP');
      await request(`${url}/ok`);
      await wait(2000);
      expect((await readdir(data)).filter((name) => /counts|workers/.test(name))).toEqual([]);
      await rm(join(data, 'filler'));
      await waitFor(async () => {
        const names = await readdir(data);
        return state.every((name) => names.includes(name));
      });
    });

    test('does not record a reload: the command soon names the disk', async () => {
      const sandbox = new Sandbox();
      const { pid, run } = await startOnFullDisk(sandbox);
      process.kill(pid, 'SIGSTOP');
      const startMs = Date.now();
      const failed = await run('reload');
      expect(failed).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/error: The disk is full/) });
      expect(Date.now() - startMs).toBeLessThan(20_000);
      process.kill(pid, 'SIGCONT');
    });
  },
);

const fact = (reason: string): RegExp =>
  new RegExp(`The embedded store cannot be opened: .*${reason}.*\n.* writable disk`);

test.runIf(canMount).each([
  ['read-only', 'mkdir -p data && mount --bind data data && mount -o remount,bind,ro data', fact('EROFS')],
  ['full', 'mkdir -p data && mount -t tmpfs -o size=100k tmpfs data', fact('ENOSPC')],
])(
  `with a ${'%s'} disk for a new store the server reports it and does not start${onlyWithMount}`,
  async (_, mount, reason) => {
    const sandbox = new Sandbox();
    const directory = await prepare(sandbox);
    await rm(join(directory, 'data'), { recursive: true, force: true });
    const script = `${mount} && exec "$NODE" server.js`;
    const child = sandbox.spawn('unshare', ['-rm', 'sh', '-c', script], {
      cwd: directory,
      env: { NODE: process.execPath },
    });
    const { exitCode, stderr } = await finish(child);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(reason) });
    expect(stderr).not.toMatch(/\n\s+at /);
  },
);

test('with a damaged store the server names the file, does not start, and does not change the file', async () => {
  const sandbox = new Sandbox();
  const directory = await prepare(sandbox);
  const path = join(directory, 'data', 'sessions', 'data.mdb');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, 'hello\n');
  const { exitCode, stderr } = await finish(sandbox.spawn(process.execPath, ['server.js'], { cwd: directory }));
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringMatching(/data\.mdb is damaged/) });
  expect(await readFile(path, 'utf8')).toBe('hello\n');
});

test.each([
  ['SIGBUS', []],
  ['SIGSEGV', ['--background']],
])(
  'after %s before the server listens, as with a damaged store, the hint is to run doctor',
  async (signal, options) => {
    const sandbox = new Sandbox();
    const directory = await prepare(sandbox);
    await writeFile(
      join(directory, 'app.js'),
      `process.kill(process.pid, '${signal}');\nawait new Promise(() => {});\n`,
    );
    const { exitCode, stdout } = await sandbox.sessapp(['serve', directory, '--json', ...options], {
      env: { PORT: '0' },
    });
    expect(exitCode).toBe(1);
    const { error } = JSON.parse(stdout);
    expect(error.message).toBe(`The server exited before it was listening (signal ${signal}).`);
    expect(error.hint).toMatch(/may be damaged\. To check it, type: .*doctor/);
  },
);

test.each([
  ['truncated to half its size', (size: number) => size / 2],
  ['truncated by its last page', (size: number) => size - 4096],
])('with a store that was %s, serve names the file, and doctor says what to type', async (_, lengthOf) => {
  const sandbox = new Sandbox();
  const directory = await prepare(sandbox);
  const path = join(directory, 'data', 'sessions', 'data.mdb');
  await fill(
    directory,
    Array.from({ length: 500 }, () => ({ data: JSON.stringify('x'.repeat(500)) })),
  );
  await truncate(path, Math.floor(lengthOf((await stat(path)).size)));
  const served = await sandbox.sessapp(['serve', directory, '--json', '--background']);
  expect(served.exitCode).toBe(1);
  expect(JSON.parse(served.stdout).error.message).toMatch(/data\.mdb is damaged: \d+ bytes are missing from its end/);
  const { stdout } = await sandbox.sessapp(['doctor', directory, '--json']);
  const found = JSON.parse(stdout).findings.find((finding: { check: string }) => finding.check === 'store');
  expect(found).toMatchObject({ level: 'problem', fact: expect.stringMatching(/damaged/) });
  expect(found.remedy).toMatch(/mv .*sessions/);
});

// Like a process that was suspended, or waits for its disk, during a change.
const holder = `
  const { open } = await import(process.argv[1]);
  const root = open({ path: process.argv[2], overlappingSync: false });
  root.transactionSync(() => {
    process.stdout.write('holds\\n');
    process.kill(process.pid, 'SIGSTOP');
  });`;

test('while another process holds the store lock, a save is a 503 in time and reads work; saves work after it exits', async () => {
  const sandbox = new Sandbox();
  const directory = await prepare(sandbox);
  const { url, child, output } = await startPlain(sandbox, directory);
  const { cookie } = await request(`${url}/fill`);
  const lmdb = join(repository, 'node_modules', 'lmdb', 'node-index.js');
  const args = ['--input-type=module', '--eval', holder, lmdb, join(directory, 'data', 'sessions')];
  const other = sandbox.spawn(process.execPath, args);
  await once(other.stdout as NonNullable<typeof other.stdout>, 'data');

  const start = performance.now();
  expect(await request(`${url}/fill`)).toMatchObject({ status: 503, cookie: '' });
  expect(performance.now() - start).toBeLessThan(3000);
  expect(output()).toMatch(/the store did not respond within 2000 ms/);
  expect((await request(`${url}/read`, { Cookie: cookie })).body).toBe('ann');
  other.kill('SIGKILL');
  await waitFor(async () => (await request(`${url}/fill`)).status === 200);

  const again = sandbox.spawn(process.execPath, args);
  await once(again.stdout as NonNullable<typeof again.stdout>, 'data');
  expect((await request(`${url}/fill`)).status).toBe(503);
  child.kill('SIGTERM');
  await untilGone(child.pid ?? 0, 5000);
  expect(output()).toMatch(/the store did not close/);
});

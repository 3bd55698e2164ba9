import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collect, jsonLines } from '../support/output.ts';
import { freePort } from '../support/redis-server.ts';
import { finish, repository, Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, killAtEnd, request, serve, untilGone, waitFor } from '../support/server.ts';

test('the banner has the URL, the store and how to stop; after SIGINT serve says that it stopped, with exit code 0', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const child = sandbox.start(['serve', environment, '--port', '0']);
  const output = collect(child);
  const banner = await waitFor(() => /.*runs at.*/.exec(output.stderr())?.[0]);
  expect(banner).toMatch(/^myenv runs at http:\/\/localhost:\d+ \(embedded store\)\. Ctrl-C stops it\.$/);
  const url = /http:\S+/.exec(banner)?.[0] ?? '';
  expect((await request(url)).status).toBe(200);
  child.kill('SIGINT');
  expect(await output.ended).toEqual([0, null]);
  expect(output.stderr()).toMatch(/\nStopped\.\n$/);
  expect(output.stdout()).toMatch(/^\d\d:\d\d:\d\d GET \/ 200 \d+ ms\n$/);
});

test.each<[string, string[], (environment: string) => { cwd: string; env?: NodeJS.ProcessEnv }]>([
  ['in the environment', ['serve'], (environment) => ({ cwd: environment })],
  ['in a subdirectory', ['serve'], (environment) => ({ cwd: join(environment, 'bin') })],
  ['with a relative name', ['serve', 'myenv'], (environment) => ({ cwd: join(environment, '..') })],
  ['with -e', ['serve', '-e', '../myenv'], (environment) => ({ cwd: join(environment, '..', 'elsewhere') })],
  ['with SESSAPP_ENV', ['serve'], (environment) => ({ cwd: '/', env: { SESSAPP_ENV: environment } })],
])('serve works %s, whatever the working directory contains', async (_, args, optionsOf) => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await mkdir(sandbox.path('elsewhere'));
  const child = sandbox.start([...args, '--port', '0', '--json'], optionsOf(environment));
  const [listening] = await jsonLines(child, 1);
  expect((await request(`${listening?.url}/profile`)).status).toBe(200);
});

test('with --json each line is an object; the first appears when the server listens; request logs go to stderr', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await writeFile(
    join(environment, 'app.js'),
    `await new Promise((resolve) => setTimeout(resolve, 700));\n${await readFile(join(environment, 'app.js'), 'utf8')}`,
  );
  const child = sandbox.start(['serve', environment, '--port', '0', '--json']);
  const output = collect(child);
  const first = await waitFor(() => output.stdout().split('\n').length > 1 && JSON.parse(output.stdout()));
  expect(first).toEqual({
    version: 1,
    event: 'listening',
    url: expect.stringMatching(/^http:\/\/localhost:\d+$/),
    pid: expect.any(Number),
    store: 'embedded',
    workers: 1,
  });
  expect((await request(first.url)).status).toBe(200);
  child.kill('SIGTERM');
  expect(await output.ended).toEqual([0, null]);
  const lines = output.stdout().trimEnd().split('\n');
  expect(lines.map((line) => JSON.parse(line).event)).toEqual(['listening', 'stopped']);
  expect(output.stderr()).toMatch(/GET \/ 200/);
});

test('the server gets --host, --production and the environment variables of the caller', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await addRoutes(environment, "app.get('/env', (req, res) => res.json(process.env));");
  const { url, child } = await serve(sandbox, environment, ['--host', '127.0.0.1', '--production'], {
    env: { MINE: 'yes', NODE_PATH: '/nowhere' },
  });
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:/);
  const env = JSON.parse((await request(`${url}/env`)).body);
  expect(env).toMatchObject({ NODE_ENV: 'production', MINE: 'yes', SESSAPP_ENV: environment });
  expect(env.PATH).toMatch(new RegExp(`^${environment}/bin:${environment}/node_modules/.bin:`));
  expect(env).not.toHaveProperty('NODE_PATH');
  child.kill('SIGTERM');
});

test.each([
  [['--port', 'http'], "'http' is not a valid port"],
  [['--port', '65536'], "'65536' is not a valid port"],
  [['--port', ''], "'' is not a valid port"],
  [['--host', ''], 'The host is empty'],
  ...['0', '257', '1.5', 'many', ''].map((count): [string[], string] => [
    ['--workers', count],
    `'${count}' is not a valid number of workers`,
  ]),
  [['--watch', '--background'], '--watch and --background cannot be combined'],
])('serve %j is a usage error', async (args, message) => {
  const sandbox = new Sandbox();
  const result = await sandbox.sessapp(['serve', ...args]);
  expect(result).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(message) });
});

test('--open passes the URL to the program in BROWSER, and does not wait for it', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const browser = sandbox.path('browser');
  await writeFile(
    browser,
    `#!/bin/sh\necho $$ "$@" > ${sandbox.path('draft')}\nmv ${sandbox.path('draft')} ${sandbox.path('opened')}\nexec sleep 30\n`,
  );
  await chmod(browser, 0o755);
  const { url, child } = await serve(sandbox, environment, ['--open'], { env: { BROWSER: browser } });
  const opened = await waitFor(() => readFile(sandbox.path('opened'), 'utf8').catch(() => undefined));
  const [pid, ...args] = opened.trim().split(' ');
  killAtEnd(Number(pid));
  expect(args).toEqual([url]);
  const output = collect(child);
  const start = performance.now();
  child.kill('SIGINT');
  expect(await output.ended).toEqual([0, null]);
  expect(performance.now() - start).toBeLessThan(3_000);
});

test('without a browser, serve prints the URL and keeps running', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const child = sandbox.start(['serve', environment, '--port', '0', '--open'], { env: { BROWSER: '/nonexistent' } });
  const output = collect(child);
  await waitFor(() => /warning: No browser could be opened\. The page is at http:/.test(output.stderr()));
  child.kill('SIGINT');
  expect(await output.ended).toEqual([0, null]);
});

test.each<[string, string, RegExp, string]>([
  ['exits', 'process.exit(3)', /The server exited unexpectedly \(exit code 3\)/, 'server-died'],
  ['throws', "setTimeout(() => { throw new Error('boom') })", /exited unexpectedly \(exit code 1\)/, 'server-died'],
  ['is killed', "process.kill(process.pid, 'SIGKILL')", /exited unexpectedly \(signal SIGKILL\)/, 'server-died'],
])('when the server %s, serve says so and fails', async (_, action, fact, code) => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await addRoutes(environment, `app.get('/end', () => { ${action} });`);
  const { url, child } = await serve(sandbox, environment);
  const output = collect(child);
  await request(`${url}/end`).catch(() => undefined);
  expect(await output.ended).toEqual([1, null]);
  const last = JSON.parse(output.stdout().trimEnd().split('\n').at(-1) ?? '');
  expect(last.error).toMatchObject({ code, message: expect.stringMatching(fact) });
});

const routes = 'export const routes = () => {};';

test.each([
  [
    'a function named routes',
    'export const other = 1;',
    /^app\.js does not export a function named routes\.\nFor example: export function/m,
  ],
  [
    'a package',
    `import 'nowhere';\n${routes}`,
    /^app\.js imports nowhere, which is not installed\.\nType: (.*) nowhere$/m,
  ],
  [
    'a file of a scoped package',
    `import '@no/where/x.js';\n${routes}`,
    /imports @no\/where, .*\nType: (.*) @no\/where$/m,
  ],
  [
    'a package that it requires',
    `import './old.cjs';\n${routes}`,
    /^old\.cjs imports nowhere, .*\nType: (.*) nowhere$/m,
  ],
  [
    'a file',
    `import './lib/db.js';\n${routes}`,
    /^app\.js imports lib\/db\.js, which does not exist\.\nCorrect the import in app\.js/m,
  ],
  [
    'the extension of an imported file',
    `import './old';\n${routes}`,
    /^app\.js imports old, .*\nImport it by its full name: old\.js$/m,
  ],
])(
  'for an app without %s, serve, node and doctor report the file, the cause and what to type',
  async (_, code, words) => {
    const sandbox = new Sandbox();
    const environment = await copyEnvironment(sandbox);
    await writeFile(join(environment, 'app.js'), code);
    await writeFile(join(environment, 'old.cjs'), "require('nowhere/part');");
    await writeFile(join(environment, 'old.js'), '');
    const plain = await finish(
      sandbox.spawn(process.execPath, ['server.js'], { cwd: environment, env: { PORT: '0' } }),
    );
    const served = await sandbox.sessapp(['serve', 'myenv', '--port', '0', '--workers', '1']);
    for (const { exitCode, stderr } of [plain, served]) {
      expect(exitCode).toBe(1);
      expect(stderr.replace(/^error: /m, '')).toMatch(words);
    }
    const command = words.exec(served.stderr.replace(/^error: /m, ''))?.[1];
    if (command !== undefined) expect(command).toBe('sessapp install -e myenv');
    const { exitCode, stdout } = await sandbox.sessapp(['doctor', 'myenv', '--json']);
    expect(exitCode).toBe(1);
    const { findings } = JSON.parse(stdout) as { findings: { check: string; fact: string; remedy: string }[] };
    const { fact, remedy } = findings.find(({ check }) => check === 'application') ?? {};
    expect(`${fact}\n${remedy}`).toMatch(words);
  },
);

test.each([
  ['a syntax error', 'export function routes( {', /SyntaxError: Unexpected end of input/],
  ['an exception', "export function routes() {\n  throw new Error('early');\n}", /Error: early \(app\.js:2\)/],
  ['an exception when it is imported', `\n\nnull.x;\n${routes}`, /TypeError: .* \(app\.js:3\)/],
  ['a name that a module does not export', `import { nothing } from 'node:fs';\n${routes}`, /'nothing' \(app\.js:1\)/],
  ['a rejection', "await Promise.reject('no text');", /no text/],
])('a server whose app has %s does not start, and prints the reason and the stack', async (_, code, reason) => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await writeFile(join(environment, 'app.js'), code);
  for (const workers of [[], ['--workers', '2']]) {
    const result = await sandbox.sessapp(['serve', environment, '--port', '0', ...workers]);
    expect(result.exitCode).toBe(1);
    const [line = ''] = /^error: The server does not start: .*\.$/m.exec(result.stderr) ?? [];
    expect(line).toMatch(reason);
    expect(result.stderr.indexOf('Node.js v')).toBeLessThan(result.stderr.indexOf(line));
  }
});

test('serve reports a server that exits before it listens', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await writeFile(join(environment, 'app.js'), 'process.exit(3);');
  const result = await sandbox.sessapp(['serve', environment, '--port', '0']);
  expect(result).toMatchObject({
    exitCode: 1,
    stderr: 'error: The server exited before it was listening (exit code 3).\nSee its output above.\n',
  });
});

test('serve reports a Node.js that cannot be started, and stops no process but itself', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const marker = JSON.parse(await readFile(join(environment, 'sessapp.json'), 'utf8'));
  await writeFile(join(environment, 'sessapp.json'), JSON.stringify({ ...marker, node: '24.0.0' }));
  await mkdir(join(environment, '.node', 'node_modules'), { recursive: true });
  await writeFile(join(environment, '.node', 'node_modules', '.package-lock.json'), '{}');
  const serveIt = ['serve', environment, '--port', '0', '--json'];
  expect((await sandbox.sessapp(serveIt)).stdout).toContain('"node-missing"');
  await writeFile(join(environment, 'bin', 'node'), 'no program', { mode: 0o644 });
  // The script has its own process group, as in a CI job, and must keep running.
  const script = 'node "$@"; echo "ended with $?"; sleep 6; echo goes on';
  const tool = join(repository, 'bin', 'sessapp.js');
  const { stdout } = await finish(sandbox.spawn('setsid', ['--wait', 'sh', '-c', script, 'sh', tool, ...serveIt]));
  expect(stdout).toMatch(/"node-missing".*\nended with 1\ngoes on\n$/s);
});

test('when the record of a listening server cannot be written, the server and serve stop', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const inTheWay =
    "import { mkdirSync, rmSync } from 'node:fs';\nrmSync('data/server.json'); mkdirSync('data/server.json');\n";
  const app = join(environment, 'app.js');
  await writeFile(app, `${inTheWay}${await readFile(app, 'utf8')}`);
  const port = await freePort();
  const { exitCode } = await sandbox.sessapp(['serve', environment, '--port', String(port)]);
  expect(exitCode).toBe(70);
  await expect(request(`http://localhost:${port}`)).rejects.toThrow('ECONNREFUSED');
});

test('when the server itself gets SIGTERM, serve exits cleanly', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { pid, child } = await serve(sandbox, environment);
  const output = collect(child);
  process.kill(pid, 'SIGTERM');
  expect(await output.ended).toEqual([0, null]);
});

test('status and stop find a server whose environment was moved', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { url, child } = await serve(sandbox, environment);
  const output = collect(child);
  const moved = sandbox.path('moved');
  await rename(environment, moved);
  const status = await sandbox.sessapp(['status', moved, '--json']);
  expect(JSON.parse(status.stdout)).toMatchObject({ running: true, url });
  expect((await request(`${url}/profile`)).status).toBe(200);
  expect((await sandbox.sessapp(['stop', moved])).exitCode).toBe(0);
  expect(await output.ended).toEqual([0, null]);
});

test('after a kill -9 of serve, its server drains and exits within seconds', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { pid, child } = await serve(sandbox, environment);
  child.kill('SIGKILL');
  await untilGone(pid, 4_000);
});

test('after a kill of serve before the server listens, no server is left', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const pidFile = sandbox.path('pid');
  await writeFile(
    join(environment, 'app.js'),
    `import { writeFileSync } from 'node:fs';
    writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));
    await new Promise((resolve) => setTimeout(resolve, 600));
    export function routes() {}`,
  );
  for (const args of [[], ['--background']]) {
    for (const signal of ['SIGKILL', 'SIGINT'] as const) {
      await writeFile(pidFile, '');
      const child = sandbox.start(['serve', environment, '--port', '0', ...args]);
      const output = collect(child);
      const pid = Number(await waitFor(() => readFile(pidFile, 'utf8').then((text) => text !== '' && text)));
      child.kill(signal);
      const [exitCode] = await output.ended;
      if (signal === 'SIGINT') expect(exitCode).toBe(args.length === 0 ? 0 : 130);
      await untilGone(pid, 4_000);
      const status = await sandbox.sessapp(['status', environment, '--json']);
      expect(JSON.parse(status.stdout)).toMatchObject({ running: false });
    }
  }
});

import { type SpawnOptions, spawnSync } from 'node:child_process';
import { appendFile, chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collect } from '../support/output.ts';
import { canActAsStranger, onlyAsRoot, stranger } from '../support/privileges.ts';
import { cli, finish, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, request, waitFor } from '../support/server.ts';

const appResponding = (text: string): string =>
  `export function routes(app) { app.get('/', (q, s) => s.send('${text}')); }`;

async function watch(sandbox: Sandbox, environment: string, options: SpawnOptions = {}, args: string[] = []) {
  const child = sandbox.start(['serve', environment, '--port', '0', '--watch', '--json', ...args], options);
  const output = collect(child);
  const events = (): Record<string, unknown>[] =>
    output
      .stdout()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  const until = async (...names: string[]) =>
    waitFor(() => JSON.stringify(events().map(({ event }) => event)) === JSON.stringify(names) && events().at(-1));
  return { child, output, until };
}

test('with --watch, a change of a page or of .env restarts the server on the same port, with its sessions', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { child, output, until } = await watch(sandbox, environment);
  const first = await until('listening');
  const { cookie } = await request(`${first.url}/`);
  const code = await readFile(join(environment, 'app.js'), 'utf8');
  await writeFile(join(environment, 'app.js'), code.replace('현재 유저는', '지금 유저는'));
  const second = await until('listening', 'restarting', 'listening');
  expect(second.url).toBe(first.url);
  expect(second.pid).not.toBe(first.pid);
  expect((await request(`${first.url}/profile`, { Cookie: cookie })).body).toBe('지금 유저는 guest입니다.\n');
  await appendFile(join(environment, '.env'), 'NODE_ENV=production\n');
  await until('listening', 'restarting', 'listening', 'restarting', 'listening');
  await request(`${first.url}/profile`);
  await waitFor(() => /"url":"\/profile".*"statusCode":200/.test(output.stderr()));
  child.kill('SIGINT');
  expect(await output.ended).toEqual([0, null]);
});

test('with --watch, serve prints a start failure, status says that the server is down, and the next change restarts it', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await writeFile(join(environment, 'app.js'), appResponding('one'));
  const { child, output, until } = await watch(sandbox, environment);
  const { url } = await until('listening');
  await writeFile(join(environment, 'app.js'), 'export function routes( {');
  const down = await until('listening', 'restarting', 'down');
  expect(down.message).toMatch(/does not start: SyntaxError/);
  expect(output.stderr()).toMatch(/SyntaxError/);
  const status = await sandbox.sessapp(['status', environment, '--json']);
  expect(JSON.parse(status.stdout)).toMatchObject({ running: false, starting: true });
  await writeFile(join(environment, 'app.js'), appResponding('two'));
  expect((await until('listening', 'restarting', 'down', 'restarting', 'listening')).url).toBe(url);
  expect((await request(String(url))).body).toBe('two');
  child.kill('SIGTERM');
  expect(await output.ended).toEqual([0, null]);
});

test('with --watch, serve exits cleanly while the server is down, and leaves no record', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await writeFile(join(environment, 'app.js'), 'nonsense(');
  const { child, output, until } = await watch(sandbox, environment);
  await until('down');
  child.kill('SIGINT');
  expect(await output.ended).toEqual([0, null]);
  expect((await finish(sandbox.spawn('ls', [join(environment, 'data')]))).stdout).not.toContain('server.json');
});

const app = `
  import { writeFileSync, mkdirSync } from 'node:fs';
  import { text } from './lib/text.js';
  mkdirSync('uploads', { recursive: true });
  writeFileSync('generated.json', String(Date.now()));
  export const routes = (app) => app.get('/', (q, s) => {
    for (const name of ['uploads/' + Date.now(), 'public/' + Date.now() + '.png', 'generated.json', 'made.js', 'log.txt']) writeFileSync(name, String(Date.now()));
    s.send(text);
  });`;

/** Creates an environment whose server writes files. */
async function makeWriting(sandbox: Sandbox): Promise<string> {
  const environment = await copyEnvironment(sandbox);
  for (const folder of ['lib', 'views', 'content']) await mkdir(join(environment, folder));
  await writeFile(join(environment, 'public', 'page.css'), 'one');
  await writeFile(join(environment, 'lib', 'text.js'), "export const text = 'one';");
  await writeFile(join(environment, 'views', 'page.html'), 'one');
  await writeFile(join(environment, 'app.js'), app);
  return environment;
}

test.each([[[]], [['--workers', '2']]])(
  'with --watch, changes to imports, .env, views and static files restart the server; files that it writes do not %j',
  async (args) => {
    const sandbox = new Sandbox();
    const environment = await makeWriting(sandbox);
    const { until } = await watch(sandbox, environment, {}, args);
    const { url } = await until('listening');
    const seen = ['listening'];
    for (const file of ['lib/text.js', 'views/page.html', 'public/page.css', '.env', 'app.js']) {
      for (let count = 0; count < 3; count += 1) await request(String(url));
      await appendFile(join(environment, file), '\n');
      seen.push('restarting');
      expect(await until(...seen)).toMatchObject({ file });
      seen.push('listening');
      await until(...seen);
    }
  },
);

test('--watch-path adds files and folders, and --watch-ignore excludes some', async () => {
  const sandbox = new Sandbox();
  const environment = await makeWriting(sandbox);
  const args = ['--watch-path', 'myenv/content,outside.yaml', '--watch-ignore', 'myenv/views'];
  await writeFile(sandbox.path('outside.yaml'), '');
  const { until } = await watch(sandbox, environment, {}, args);
  await until('listening');
  await appendFile(join(environment, 'views', 'page.html'), 'x');
  await writeFile(join(environment, 'content', 'page.md'), 'x');
  expect(await until('listening', 'restarting')).toMatchObject({ file: 'content/page.md' });
  await until('listening', 'restarting', 'listening');
  await appendFile(sandbox.path('outside.yaml'), 'x');
  const changed = await until('listening', 'restarting', 'listening', 'restarting');
  expect(changed).toMatchObject({ file: '../outside.yaml' });
  expect(await sandbox.sessapp(['serve', environment, '--watch-path', 'x'])).toMatchObject({ exitCode: 2 });
});

test('with --watch, creating a missing imported file restarts the server', async () => {
  const sandbox = new Sandbox();
  const environment = await makeWriting(sandbox);
  await rm(join(environment, 'lib'), { recursive: true });
  const { until } = await watch(sandbox, environment);
  expect(await until('down')).toMatchObject({ message: expect.stringContaining('lib/text.js') });
  await mkdir(join(environment, 'lib'));
  await writeFile(join(environment, 'lib', 'text.js'), "export const text = 'two';");
  await until('down', 'restarting', 'listening');
});

test('files that the server itself writes do not restart it', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { output, until } = await watch(sandbox, environment);
  const { url } = await until('listening');
  for (let count = 0; count < 5; count += 1) await request(`${url}/`);
  await writeFile(join(environment, 'data', 'other'), 'x');
  await waitFor(() => output.stdout().includes('restarting'), 700).catch(() => undefined);
  expect(output.stdout()).not.toContain('restarting');
});

test.skipIf(!canActAsStranger)(
  `with --watch, a directory without read permission is not watched, and everything else is${onlyAsRoot}`,
  async () => {
    const sandbox = new Sandbox();
    const environment = await copyEnvironment(sandbox);
    await mkdir(join(environment, 'closed'), { mode: 0o000 });
    await finish(sandbox.spawn('chown', ['-R', '65534:65534', environment]));
    await chmod(sandbox.directory, 0o755);
    const { output, until } = await watch(sandbox, environment, stranger);
    await until('listening');
    await appendFile(join(environment, 'app.js'), '\n');
    await until('listening', 'restarting', 'listening');
    expect(output.stderr()).not.toContain('closed');
  },
);

/** Runs `serve --watch` with a limit on the number of watched files. */
function watchAtMost(sandbox: Sandbox, environment: string, count: number) {
  const script = 'echo "$0" > /proc/sys/user/max_inotify_watches; exec "$@"';
  const serve = [process.execPath, cli, 'serve', environment, '--port', '0', '--watch', '--json'];
  return sandbox.spawn('unshare', ['-Ur', 'sh', '-c', script, String(count), ...serve]);
}

const limitable = spawnSync('unshare', ['-Ur', 'sh', '-c', 'echo 1 > /proc/sys/user/max_inotify_watches']).status === 0;
const onlyWithLimit = limitable ? '' : ' (skipped: needs the right to make a user namespace)';

test.skipIf(!limitable)(`when there are too many files to watch, serve reports the limit${onlyWithLimit}`, async () => {
  const sandbox = new Sandbox();
  const { exitCode, stdout, stderr } = await finish(watchAtMost(sandbox, await copyEnvironment(sandbox), 3));
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
  expect(JSON.parse(stdout).error).toMatchObject({
    code: 'watch-limit',
    hint: expect.stringContaining('sudo sysctl fs.inotify.max_user_watches='),
  });
});

test.skipIf(!limitable)(
  `when the limit is reached later, serve reports it and keeps watching the earlier files${onlyWithLimit}`,
  async () => {
    const sandbox = new Sandbox();
    const environment = await copyEnvironment(sandbox);
    const child = watchAtMost(sandbox, environment, 400);
    const output = collect(child);
    await waitFor(() => output.stdout().includes('"listening"'));
    for (let count = 0; count < 400; count += 1)
      await mkdir(join(environment, 'more', String(count)), { recursive: true });
    await waitFor(() => output.stderr().includes('A new file is not watched'));
    await appendFile(join(environment, 'app.js'), '\n');
    await waitFor(() => output.stdout().split('"listening"').length === 3);
    expect(output.stderr().match(/is not watched/g)).toHaveLength(1);
    child.kill('SIGINT');
    expect(await output.ended).toEqual([0, null]);
  },
);

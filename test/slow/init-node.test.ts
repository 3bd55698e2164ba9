import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, cp, readdir, readFile, readlink, rename, rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJson } from '../support/files.ts';
import { finish, Sandbox, untilEvent } from '../support/sandbox.ts';

const canStrip = process.allowedNodeEnvironmentFlags.has('--experimental-strip-types');
const sandbox = new Sandbox(afterAll);
let data: Record<string, unknown>;

// All tests share one download.
beforeAll(async () => {
  const env = { npm_config_userconfig: '/dev/null' };
  const made = await sandbox.sessapp(['init', 'made', '--typescript', '--node', '24', '--json'], { env });
  data = JSON.parse(made.stdout) as Record<string, unknown>;
  await rename(sandbox.path('made'), sandbox.path('moved'));
}, 120_000);

const inside = (...names: string[]): string => sandbox.path('moved', ...names);

test('--node installs a Node.js in the environment, and its link survives a move', async () => {
  expect(data).toMatchObject({
    status: 'created',
    language: 'typescript',
    node: expect.stringMatching(/^24\.\d+\.\d+$/),
  });
  expect(await readJson(inside('sessapp.json'))).toMatchObject({ node: data.node });
  expect(await readlink(inside('bin', 'node'))).toMatch(/^\.\.\/\.node\/node_modules\/node-/);
  expect(execFileSync(inside('bin', 'node'), ['--version'], { encoding: 'utf8' })).toBe(`v${data.node}\n`);
  const run = await sandbox.sessapp(['run', '-e', inside(), '--', 'node', '--version']);
  expect(run).toMatchObject({ exitCode: 0, stdout: `v${data.node}\n` });
});

test('npm start uses the environment’s own Node.js, and the README describes it', async () => {
  expect(await readJson(inside('package.json'))).toMatchObject({ scripts: { start: 'bin/node server.ts' } });
  const readme = await readFile(inside('README.md'), 'utf8');
  expect(readme).toMatch(
    /in TypeScript: `node server\.ts`.*If there is a file\s+`bin\/node`, it is the Node\.js of this environment/s,
  );
});

test('no lockfile contains the address of a registry', async () => {
  for (const path of ['package-lock.json', '.node/package-lock.json', 'node_modules/.package-lock.json']) {
    const lockfile = await readFile(inside(path), 'utf8');
    expect(lockfile).toContain('"integrity"');
    expect(lockfile).not.toMatch(/"resolved": "(?!file:\.sessapp\/)|https?:\/\/(localhost|127|[^"]*registry)/);
  }
});

test('the compiler in the environment type-checks the TypeScript source', async () => {
  const check = (): ReturnType<Sandbox['sessapp']> => sandbox.sessapp(['run', '--', 'tsc'], { cwd: inside() });
  expect(await check()).toMatchObject({ exitCode: 0, stdout: '' });
  const npx = sandbox.spawn('npx', ['--offline', 'tsc', '--noEmit'], { cwd: inside() });
  expect(await finish(npx)).toMatchObject({ exitCode: 0, stdout: '' });
  await cp(inside('app.ts'), inside('app.ts.txt'));
  await appendFile(inside('app.ts'), "\nconst wrong: number = 'text';\nconsole.log(wrong);\n");
  const failed = await check();
  await cp(inside('app.ts.txt'), inside('app.ts'));
  expect(failed.stdout).toContain('app.ts(');
  expect(failed.exitCode).not.toBe(0);
});

test('the environment’s own Node.js runs the server from source, without the sessapp command', async () => {
  const server = sandbox.spawn(inside('bin', 'node'), ['server.ts'], { cwd: inside(), env: { PORT: '0' } });
  const url = await new Promise<string>((resolve, reject) => {
    let printed = '';
    const look = (text: string): void => {
      printed += text;
      const address = /http:\/\/localhost:\d+/.exec(printed)?.[0];
      if (address) resolve(address);
    };
    server.stdout?.setEncoding('utf8').on('data', look);
    server.stderr?.setEncoding('utf8').on('data', look);
    server.once('exit', (code) => reject(new Error(`ended with ${code}: ${printed}`)));
  });
  const saved = await fetch(url);
  expect(await saved.text()).toContain('세션에 username을 저장했습니다.');
  const cookie = (saved.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  // This imports the driver's source in that Node.js.
  const list = await sandbox.sessapp(['sessions', 'list', '-e', inside(), '--json']);
  expect(list).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(list.stdout).sessions).toMatchObject([{ owner: 'guest', damaged: false }]);
  expect(await (await fetch(`${url}/profile`, { headers: { cookie } })).text()).toContain('현재 유저는 guest입니다.');
  server.kill('SIGTERM');
  const [exitCode] = (await once(server, 'exit')) as [number];
  expect(exitCode).toBe(0);
});

test('init again with the same --node changes nothing, and with another version is refused', async () => {
  const again = await sandbox.sessapp(['init', 'moved', '--typescript', '--node', '24', '--json']);
  expect(JSON.parse(again.stdout)).toMatchObject({ status: 'unchanged', node: data.node });
  const other = await sandbox.sessapp(['init', 'moved', '--node', '22', '--json']);
  expect(JSON.parse(other.stdout).error).toMatchObject({
    code: 'exists',
    message: expect.stringContaining(`${data.node}`),
  });
});

test.skipIf(canStrip)('--typescript with a Node.js that is too old suggests --node', async () => {
  const own = new Sandbox();
  const result = await own.sessapp(['init', 'myenv', '--typescript', '--json']);
  expect(result.exitCode).toBe(1);
  expect(JSON.parse(result.stdout).error).toMatchObject({
    code: 'node-too-old',
    message: expect.stringContaining(`this is ${process.versions.node}`),
    hint: expect.stringContaining('--node 24'),
  });
});

test('--serve makes the environment, then serves it: two events under --json', async () => {
  const own = new Sandbox();
  const child = own.start(['init', 'myenv', '--serve', '--json'], { env: { PORT: '0' } });
  const made = untilEvent(child, 'created');
  const { url } = await untilEvent(child, 'listening');
  expect(await made).toMatchObject({ status: 'created', directory: own.path('myenv') });
  expect((await fetch(String(url))).status).toBe(200);
  const result = finish(child);
  child.kill('SIGTERM');
  expect(await result).toMatchObject({ exitCode: 0 });
});

test.each([
  [
    ['--node', '23x'],
    "Node.js '23x' is not available for an environment.",
    /^Did you mean 23\? Valid: 20, 2.*or an exact/,
  ],
  [['--node', '18'], "Node.js '18' is not available for an environment.", /Valid: 20, /],
  [['--node', '20.0'], "Node.js '20.0' is not available for an environment.", /Valid: 20, /],
])(
  'init with %j ends with exit code 2, and names the valid versions and the nearest one',
  async (options, message, hint) => {
    const sandbox = new Sandbox();
    const result = await sandbox.sessapp(['init', 'myenv', '--json', ...options]);
    expect(result).toMatchObject({ exitCode: 2, stderr: '' });
    const { error } = JSON.parse(result.stdout);
    expect(error).toMatchObject({ code: 'usage', message });
    expect(error.hint).toMatch(hint);
    expect(await readdir(sandbox.directory)).toEqual([]);
  },
);

test('the command that doctor prints for a missing sessapp.json restores it with the same Node.js', async () => {
  await rm(inside('sessapp.json'));
  const { stdout } = await sandbox.sessapp(['doctor', 'moved', '--json']);
  const { findings } = JSON.parse(stdout) as { findings: { check: string; remedy: string }[] };
  const remedy = findings.find(({ check }) => check === 'sessapp.json')?.remedy ?? '';
  const [, words = ''] = /Type: sessapp (.+)$/.exec(remedy) ?? [];
  expect(await sandbox.sessapp(words.split(' '))).toMatchObject({ exitCode: 0 });
  expect(await readJson(inside('sessapp.json'))).toMatchObject({ node: data.node, language: 'typescript' });
  expect(await sandbox.sessapp(['doctor', 'moved'])).toMatchObject({ exitCode: 0 });
});

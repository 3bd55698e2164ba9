import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collect } from '../../support/output.ts';
import { cli, finish, Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment, waitFor } from '../../support/server.ts';
import { withoutTerminal } from '../../support/terminal.ts';

const shared = new Sandbox(afterAll);
let environment: string;

beforeAll(async () => {
  environment = await copyEnvironment(shared);
});

const printArguments = 'console.log(JSON.stringify(process.argv.slice(1)))';

test('run passes the arguments unchanged and returns the exit code of the command', async () => {
  const words = ['--json', 'a b', '$(x)', '', '-e', '--', '*', "'"];
  const script = `${printArguments}; process.exitCode = 7`;
  const result = await shared.sessapp(['run', '-e', environment, '--', 'node', '-e', script, '--', ...words]);
  expect(result).toMatchObject({ exitCode: 7, stdout: `${JSON.stringify(words)}\n`, stderr: '' });
});

test('without --, the command begins at the first word that is not an option', async () => {
  const result = await shared.sessapp(['run', '-e', environment, 'node', '-e', printArguments, 'x', '--json', '-e']);
  expect(result).toMatchObject({ exitCode: 0, stdout: '["x","--json","-e"]\n' });
});

test('the command uses the stdin, stdout and stderr of run, byte for byte', async () => {
  const script = 'process.stdin.pipe(process.stdout); console.error("aside")';
  const child = shared.start(['run', '-e', environment, '--', 'node', '-e', script], { stdio: 'pipe' });
  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index % 94) + 33));
  const ended = finish(child);
  child.stdin?.end(bytes);
  expect(await ended).toMatchObject({ exitCode: 0, stdout: bytes.toString(), stderr: 'aside\n' });
});

test.each([
  [['--', 'node', '-e', 'process.exit(0)'], 0],
  [['--', 'node', '-e', 'process.exit(42)'], 42],
  [['--', 'node', '-e', 'process.kill(process.pid, "SIGTERM")'], 143],
  [['--', 'node', '-e', 'process.kill(process.pid, "SIGKILL")'], 137],
  [['--', 'no-such-command'], 127],
  [['--', './no/such/file'], 127],
  [['--', '/etc/passwd'], 126],
  [['--', '/'], 126],
  [[], 2],
])('run %j ends with %i', async (args, exitCode) => {
  const result = await shared.sessapp(['run', '-e', environment, ...args]);
  expect(result).toMatchObject({ exitCode, signal: null, stdout: '' });
  expect(result.stderr).not.toMatch(/\n\s+at /);
});

test('a command that is not found is an error with a message, and JSON under --json', async () => {
  const text = await shared.sessapp(['run', '-e', environment, '--', 'no-such-command']);
  expect(text.stderr).toMatch(/^error: There is no command 'no-such-command'.*\n.*sessapp install/);
  const json = await shared.sessapp(['run', '-e', environment, '--json', '--', 'no-such-command']);
  expect(JSON.parse(json.stdout).error.code).toBe('command-missing');
});

const count = (signal: string) =>
  `let count = 0; process.on('${signal}', () => { count += 1; setTimeout(() => { console.log('count ' + count); process.exit(9); }, 300); }); setInterval(() => 0, 1000); console.log('ready');`;

test.each(['SIGTERM', 'SIGINT', 'SIGUSR2'] as const)(
  'when only run gets %s, the command gets it once, and run returns its exit code',
  async (signal) => {
    const child = shared.start(['run', '-e', environment, '--', 'node', '-e', count(signal)]);
    const output = collect(child);
    await waitFor(() => output.stdout().includes('ready'));
    child.kill(signal);
    expect(await output.ended).toEqual([9, null]);
    expect(output.stdout()).toBe('ready\ncount 1\n');
  },
);

test.skipIf(withoutTerminal !== '').each([
  ['', 'all streams are the terminal'],
  ['< /dev/null 2> /dev/null | cat', 'no stream is the terminal'],
])(`Ctrl-C at a terminal reaches the command once (%j: %s)${withoutTerminal}`, async (redirections) => {
  const sandbox = new Sandbox();
  await writeFile(
    sandbox.path('count.js'),
    `const { appendFileSync } = require('node:fs');
    process.on('SIGINT', () => { appendFileSync('counted', 'x'); setTimeout(() => process.exit(9), 400); });
    setInterval(() => 0, 1000);
    console.log('ready');`,
  );
  const command = `${process.execPath} ${cli} run -e ${environment} -- node count.js ${redirections}`;
  const terminal = sandbox.spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const output = collect(terminal);
  await waitFor(() => output.stdout().includes('ready'));
  terminal.stdin?.write('\x03');
  await output.ended;
  expect(await readFile(sandbox.path('counted'), 'utf8')).toBe('x');
});

test('inside, SESSAPP_ENV is set, programs of the environment come first and NODE_PATH is removed', async () => {
  const script =
    'console.log(JSON.stringify([process.env.SESSAPP_ENV, process.env.PATH.split(":"), process.env.NODE_PATH, process.env.MINE, process.cwd()]))';
  const other = shared.path('other');
  const PATH = [join(other, 'bin'), join(other, 'node_modules', '.bin'), '', process.env.PATH].join(':');
  const result = await shared.sessapp(['run', '-e', environment, '--', process.execPath, '-e', script], {
    env: { SESSAPP_ENV: other, PATH, NODE_PATH: '/nowhere', MINE: 'kept' },
  });
  const [named, path, nodePath, mine, cwd] = JSON.parse(result.stdout);
  expect([named, nodePath, mine, cwd]).toEqual([environment, null, 'kept', shared.directory]);
  expect(path).toEqual([
    join(environment, 'bin'),
    join(environment, 'node_modules', '.bin'),
    ...(process.env.PATH ?? '').split(':').filter((entry) => entry !== ''),
  ]);
});

test('a program of the environment is found before a program of the same name on the PATH, from any directory', async () => {
  const sandbox = new Sandbox();
  const own = await copyEnvironment(sandbox);
  const elsewhere = sandbox.path('elsewhere');
  await mkdir(elsewhere);
  for (const [directory, text] of [
    [join(own, 'node_modules', '.bin'), 'mine'],
    [elsewhere, 'other'],
  ] as const) {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'tool'), `#!/bin/sh\necho ${text}\n`);
    await chmod(join(directory, 'tool'), 0o755);
  }
  const env = { PATH: `${elsewhere}:${process.env.PATH}`, SESSAPP_ENV: own };
  expect((await sandbox.sessapp(['run', '--', 'tool'], { env, cwd: '/' })).stdout).toBe('mine\n');
});

test('run finds the environment’s own Node.js as node', async () => {
  const sandbox = new Sandbox();
  const own = await copyEnvironment(sandbox);
  await writeFile(sandbox.path('node'), '#!/bin/sh\necho its own node\n');
  await chmod(sandbox.path('node'), 0o755);
  await symlink(sandbox.path('node'), join(own, 'bin', 'node'));
  expect((await sandbox.sessapp(['run', '-e', own, '--', 'node'])).stdout).toBe('its own node\n');
});

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { main } from '../../src/cli.ts';
import { createSystem } from '../../src/system.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment } from '../support/server.ts';

const shared = new Sandbox(afterAll);

beforeAll(async () => {
  const data = join(await copyEnvironment(shared), 'data');
  await mkdir(data);
  await writeFile(join(data, 'server.log'), 'a line\n');
});

const commands = ['info', 'init', 'install', 'logs', 'run', 'serve', 'shell', 'status', 'stop'];
const onEnvironment = commands.filter((name) => name !== 'init');

test('the matrix below is over all commands', async () => {
  const { listCommands } = await import('../../src/commands/index.ts');
  expect(await listCommands()).toEqual(commands);
});

test.each<[number, string[]]>([
  [0, ['info', 'myenv']],
  [0, ['init', 'planned', '--dry-run']],
  [0, ['logs', 'myenv']],
  [0, ['run', '-e', 'myenv', '--', 'true']],
  [0, ['stop', 'myenv']],
  [1, ['status', 'myenv']],
  [1, ['run', '-e', 'myenv', '--', 'false']],
  [127, ['run', '-e', 'myenv', '--', 'no-such-command']],
  ...onEnvironment.map((name): [number, string[]] => [1, name === 'run' ? [name, 'true'] : [name]]),
  ...onEnvironment.map((name): [number, string[]] => [1, [name, '-e', 'nowhere', ...(name === 'run' ? ['true'] : [])]]),
  ...commands.map((name): [number, string[]] => [2, [name, '--no-such-option']]),
  ...commands
    .filter((name) => !['install', 'run'].includes(name))
    .map((name): [number, string[]] => [2, [name, 'one', 'two', 'three']]),
  ...onEnvironment.map((name): [number, string[]] => [2, [name, '-e']]),
  [2, ['init']],
  [2, []],
  [2, ['nonsense']],
  [2, ['--nonsense']],
  [2, ['help', 'nonsense']],
  [2, ['run', '-e', 'myenv']],
  [2, ['info', 'myenv', '-e', 'other']],
])('exit code %i: sessapp %j; without a stack, and --json is one document', async (exitCode, args) => {
  const text = await invoke(args);
  expect(text.exitCode).toBe(exitCode);
  expect(text.stderr).not.toMatch(/^\s+at .*:\d+/m);
  if (exitCode === 0 || ['run', 'status'].includes(args[0] ?? '') || args[0]?.startsWith('--') || args[0] === 'help')
    return;
  expect(text.stderr).toMatch(/^error: /);
  const end = args.indexOf('--');
  const json = await invoke(end === -1 ? [...args, '--json'] : args.toSpliced(end, 0, '--json'));
  expect(json).toMatchObject({ exitCode, stderr: '' });
  expect(JSON.parse(json.stdout)).toEqual({
    version: 1,
    error: expect.objectContaining({ code: expect.any(String), message: expect.any(String) }),
  });
});

/** In this process: a hundred of the tool's own take 15 s. */
async function invoke(args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const { system, printed } = fakeSystem(() => shared.directory);
  return {
    exitCode: await main(args, { ...system, cwd: shared.directory, env: { PATH: process.env.PATH } }),
    ...printed,
  };
}

test('the process ends with the code that the command line came to', async () => {
  expect((await shared.sessapp(['stop', 'myenv'])).exitCode).toBe(0);
  expect((await shared.sessapp(['status', 'myenv'])).exitCode).toBe(1);
  expect((await shared.sessapp(['nonsense'])).exitCode).toBe(2);
});

function fakeSystem(cwd: () => string) {
  const printed = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _, done) {
        printed[name] += chunk;
        done();
      },
    });
  const system = { ...createSystem(), env: {}, stdout: stream('stdout'), stderr: stream('stderr') };
  return { printed, system: Object.defineProperty(system, 'cwd', { get: cwd }) };
}

test('a bug is exit code 70, with its stack and where to report it', async () => {
  const broken = () =>
    fakeSystem(
      vi.fn().mockImplementation(() => {
        throw new TypeError('a bug');
      }),
    );
  const text = broken();
  expect(await main(['status'], text.system)).toBe(70);
  expect(text.printed.stderr).toMatch(/^error: TypeError: a bug\n\s+at (.|\n)*This is a bug in sessapp/);
  const json = broken();
  expect(await main(['status', '--json'], json.system)).toBe(70);
  expect(JSON.parse(json.printed.stdout).error).toMatchObject({ code: 'bug', message: expect.stringMatching(/a bug/) });
});

test.each([
  ['EACCES', 'permission-denied'],
  ['ENOSPC', 'disk-full'],
])('what the system refuses (%s) is an expected failure', async (code, name) => {
  const { system, printed } = fakeSystem(() => {
    throw Object.assign(new Error('refused'), { code, path: '/x' });
  });
  expect(await main(['status', '--json'], system)).toBe(1);
  expect(JSON.parse(printed.stdout).error.code).toBe(name);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a command that %s interrupts ends with %i', async (signal, exitCode) => {
  const child = shared.start(['logs', 'myenv', '-f']);
  const ended = new Promise((resolve) => child.once('exit', (code, by) => resolve([code, by])));
  await new Promise((resolve) => child.stdout?.once('data', resolve));
  child.kill(signal);
  expect(await ended).toEqual([exitCode, null]);
});

test('a working directory that is gone is said, not thrown', async () => {
  const script = 'mkdir gone && cd gone && rmdir ../gone && exec "$0" "$1" status';
  const { finish, cli } = await import('../support/sandbox.ts');
  const result = await finish(shared.spawn('sh', ['-c', script, process.execPath, cli]));
  expect(result).toMatchObject({ exitCode: 1, stdout: '' });
  expect(result.stderr).toMatch(/^error: The working directory does not exist any more/);
});

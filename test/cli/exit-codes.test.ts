import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { main } from '../../src/cli/main.ts';
import { fakeSystem, invoke } from '../support/in-process.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment } from '../support/server.ts';

const shared = new Sandbox(afterAll);

beforeAll(async () => {
  const data = join(await copyEnvironment(shared), 'data');
  await mkdir(data);
  await writeFile(join(data, 'server.log'), 'a line\n');
});

const commands = [
  'add',
  'cache clean',
  'cache info',
  'completion',
  'dashboard',
  'deploy',
  'doctor',
  'info',
  'init',
  'install',
  'list',
  'logs',
  'reload',
  'remove',
  'run',
  'secret list',
  'secret retire',
  'secret rotate',
  'serve',
  'sessions destroy',
  'sessions list',
  'sessions prune',
  'sessions show',
  'sessions stats',
  'shell',
  'status',
  'stop',
  'store backup',
  'store migrate',
  'upgrade',
];
/** The operands of commands that need more than an environment. */
const operands: Record<string, string[]> = {
  run: ['true'],
  add: ['passkeys'],
  deploy: ['docker'],
  'secret retire': ['1a2b3c4d'],
  'sessions destroy': ['abcd'],
  'sessions show': ['abcd'],
  'store backup': ['copy.mdb'],
  'store migrate': ['redis'],
};
/** These take any number of words. */
const variadic = ['install', 'run', 'sessions destroy'];
const onEnvironment = commands.filter((name) => !/^(init$|completion$|list$|remove$|cache )/.test(name));

/** A complete command line of this command. */
function withOperands(name: string, ...options: string[]): string[] {
  return [...name.split(' '), ...options, ...(operands[name] ?? [])];
}

test('the table below includes all commands', async () => {
  const { listCommands } = await import('../../src/cli/commands/index.ts');
  expect(listCommands()).toEqual(commands);
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
  ...onEnvironment.map((name): [number, string[]] => [1, withOperands(name)]),
  ...onEnvironment.map((name): [number, string[]] => [1, withOperands(name, '-e', 'nowhere')]),
  ...commands.map((name): [number, string[]] => [2, [...name.split(' '), '--no-such-option']]),
  ...commands
    .filter((name) => !variadic.includes(name))
    .map((name): [number, string[]] => [2, [...name.split(' '), 'one', 'two', 'three']]),
  ...onEnvironment.map((name): [number, string[]] => [2, [...name.split(' '), '-e']]),
  [2, ['init']],
  [2, ['completion']],
  [2, ['completion', 'tcsh']],
  [2, ['remove']],
  [2, ['remove', '']],
  [2, ['remove', 'myenv']],
  [1, ['remove', 'nowhere', '--yes']],
  [1, ['remove', 'nowhere', '--dry-run']],
  [2, []],
  [2, ['nonsense']],
  [2, ['--nonsense']],
  [2, ['help', 'nonsense']],
  [2, ['secret', 'retire', '-e', 'myenv']],
  [2, ['sessions']],
  [2, ['sessions', 'nonsense']],
  [2, ['help', 'sessions', 'nonsense']],
  [1, ['sessions', 'show', '-e', 'myenv', 'abcd']],
  [1, ['sessions', 'destroy', '-e', 'myenv', '+bcd']],
  [2, ['run', '-e', 'myenv']],
  [2, ['run', '-e', 'myenv', '']],
  [2, ['install', '-e', 'myenv', '']],
  [2, ['install', '-e', 'myenv', 'helmet', ' ']],
  [2, ['sessions', 'show', '-e', 'myenv', 'abc']],
  [2, ['sessions', 'show', '-e', 'myenv', 's:abcdefgh.ijkl']],
  [2, ['sessions', 'show', '-e', 'myenv', '']],
  [2, ['sessions', 'destroy']],
  [2, ['sessions', 'destroy', '--all']],
  [2, ['sessions', 'destroy', '--all', '--yes', 'abcd']],
  [2, ['sessions', 'destroy', '--all', '--user', 'ann', '--yes']],
  [2, ['sessions', 'destroy', '--user', '']],
  [2, ['sessions', 'list', '--limit', '0']],
  [2, ['sessions', 'list', '--older-than', '12']],
  [2, ['store', 'backup', '-e', 'myenv', '-']],
  [2, ['info', 'myenv', '-e', 'other']],
])('exit code %i after sessapp %j, without a stack, and --json prints one document', async (exitCode, args) => {
  const text = await invoke(shared.directory, args);
  expect(text.exitCode).toBe(exitCode);
  expect(text.stderr).not.toMatch(/^\s+at .*:\d+/m);
  if (exitCode === 0 || ['run', 'status'].includes(args[0] ?? '') || args[0]?.startsWith('--') || args[0] === 'help')
    return;
  expect(text.stderr).toMatch(/^error: /);
  const end = args.indexOf('--');
  const json = await invoke(shared.directory, end === -1 ? [...args, '--json'] : args.toSpliced(end, 0, '--json'));
  expect(json).toMatchObject({ exitCode, stderr: '' });
  expect(JSON.parse(json.stdout)).toEqual({
    version: 1,
    error: expect.objectContaining({ code: expect.any(String), message: expect.any(String) }),
  });
});

test('the process exits with the exit code of the command', async () => {
  expect((await shared.sessapp(['stop', 'myenv'])).exitCode).toBe(0);
  expect((await shared.sessapp(['status', 'myenv'])).exitCode).toBe(1);
  expect((await shared.sessapp(['nonsense'])).exitCode).toBe(2);
});

test('a bug gives exit code 70, with its stack and the address to report it', async () => {
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
  ['ENOENT', 'file-missing'],
  ['ENOTDIR', 'file-missing'],
])('an operation that the system refuses with %s is an expected failure', async (code, name) => {
  const { system, printed } = fakeSystem(() => {
    throw Object.assign(new Error('refused'), { code, path: '/x' });
  });
  expect(await main(['status', '--json'], system)).toBe(1);
  expect(JSON.parse(printed.stdout).error.code).toBe(name);
});

test.each([
  ['ENOSPC', '/disk/'],
  ['EROFS', '/disk/'],
  ['EMFILE', '/cache/file'],
])('when a copy fails with %s, the message names %s', async (code, place) => {
  const { system, printed } = fakeSystem(() => {
    const paths = { path: '/cache/file', dest: '/disk/.sessapp-staging-1-2-3/file' };
    throw Object.assign(new Error('refused'), { code, ...paths });
  });
  await main(['status', '--json'], system);
  expect(JSON.parse(printed.stdout).error.message).toMatch(new RegExp(`: ${place}\\.$`));
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

test('a deleted working directory is reported as an expected error', async () => {
  const script = 'mkdir gone && cd gone && rmdir ../gone && exec "$0" "$1" status';
  const { finish, cli } = await import('../support/sandbox.ts');
  const result = await finish(shared.spawn('sh', ['-c', script, process.execPath, cli]));
  expect(result).toMatchObject({ exitCode: 1, stdout: '' });
  expect(result.stderr).toMatch(/^error: The working directory does not exist any more/);
});

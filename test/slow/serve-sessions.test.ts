import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { finish, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, isAlive, request, startPlain, untilGone, waitFor } from '../support/server.ts';

const guest = '현재 유저는 guest입니다.\n';
const nobody = '현재 유저가 없습니다.\n';

async function profile(url: string, cookie: string): Promise<string> {
  return (await request(`${url}/profile`, { Cookie: cookie })).body;
}

test('a session is visible in another process at once', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const [first, second] = await Promise.all([startPlain(sandbox, directory), startPlain(sandbox, directory)]);
  const { cookie } = await request(`${first.url}/`);
  expect(await profile(second.url, cookie)).toBe(guest);
});

test.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)('a session exists after %s and a restart', async (signal) => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const first = await startPlain(sandbox, directory);
  const { cookie } = await request(`${first.url}/`);
  first.child.kill(signal);
  await untilGone(first.child.pid ?? 0);
  const { url } = await startPlain(sandbox, directory);
  expect(await profile(url, cookie)).toBe(guest);
});

test('a cookie that was changed, or signed with another secret, has no session', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const first = await startPlain(sandbox, directory);
  const { cookie } = await request(`${first.url}/`);
  expect(await profile(first.url, cookie)).toBe(guest);
  expect(await profile(first.url, `${cookie.slice(0, -4)}AAAA`)).toBe(nobody);
  const secret = Buffer.alloc(32, '0123456789abcdef').toString('base64url');
  const other = await startPlain(sandbox, directory, { env: { SESSION_SECRET: secret } });
  expect(await profile(other.url, cookie)).toBe(nobody);
});

test('an environment that was moved works, and keeps its sessions', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const first = await startPlain(sandbox, directory);
  const { cookie } = await request(`${first.url}/`);
  first.child.kill('SIGTERM');
  await untilGone(first.child.pid ?? 0);
  await rename(directory, sandbox.path('moved'));
  const { url } = await startPlain(sandbox, sandbox.path('moved'));
  expect(await profile(url, cookie)).toBe(guest);
});

test('a copy works without the original, and the sessions of the two are separate', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const copied = sandbox.path('copy');
  await finish(sandbox.spawn('cp', ['-a', directory, copied]));
  const [original, copy] = await Promise.all([startPlain(sandbox, directory), startPlain(sandbox, copied)]);
  const { cookie } = await request(`${original.url}/`);
  expect(await profile(copy.url, cookie)).toBe(nobody);
  original.child.kill('SIGKILL');
  await untilGone(original.child.pid ?? 0);
  await rm(directory, { recursive: true });
  expect((await request(`${copy.url}/`)).status).toBe(200);
});

test.each<[string, [string, ...string[]], (directory: string) => string]>([
  ['node server.js in the environment', [process.execPath, 'server.js'], (directory) => directory],
  ['npm start in the environment', ['npm', 'start'], (directory) => directory],
  ['npm start in a subdirectory', ['npm', 'start'], (directory) => join(directory, 'bin')],
  ['npm --prefix from another directory', ['npm', '--prefix', 'myenv', 'start'], (directory) => join(directory, '..')],
  ['node with a path, from the root directory', [process.execPath, 'SERVER'], () => '/'],
])('%s runs the server without the sessapp command', async (_, [file, ...args], cwdOf) => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const words = args.map((word) => (word === 'SERVER' ? join(directory, 'server.js') : word));
  const { url, child } = await startPlain(sandbox, directory, { cwd: cwdOf(directory), detached: true }, [
    file,
    ...words,
  ]);
  const { cookie } = await request(`${url}/`);
  expect(await profile(url, cookie)).toBe(guest);
  // Signal the whole process group, as a terminal does: npm does not always forward a signal.
  process.kill(-(child.pid ?? 0), 'SIGINT');
  await waitFor(() => child.exitCode !== null || child.signalCode !== null);
  await waitFor(async () => !isAlive(child.pid ?? 0) && (await request(url).catch(() => 'refused')) === 'refused');
});

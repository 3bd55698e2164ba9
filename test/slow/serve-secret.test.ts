import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { secretsIn } from '../../src/cli/secrets/env-text.ts';
import { secretIdOf } from '../../src/settings/secrets.ts';
import { open as openStore } from '../../src/stores/embedded/driver.ts';
import { fakeSystem } from '../support/in-process.ts';
import { add, fill } from '../support/records.ts';
import { finish, repository, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, request, serve, startPlain, waitFor } from '../support/server.ts';

const guest = '현재 유저는 guest입니다.\n';
const nobody = '현재 유저가 없습니다.\n';
const secretOf = (seed: string): string => Buffer.alloc(32, `${seed}0123456789abcdef`).toString('base64url');

const profile = (url: string, cookie: string) => request(`${url}/profile`, { Cookie: cookie });
const readSecrets = async (directory: string) => secretsIn(await readFile(join(directory, '.env'), 'utf8'));

// The built code: a separate process reads the store, and its Node.js may not run TypeScript.
const { main } = (await import(join(repository, 'dist', 'cli', 'main.js'))) as typeof import('../../src/cli/main.ts');

/** Runs `secret …` in this process and this environment. Keeps all output. */
class Secrets {
  readonly directory: string;
  printed = '';

  constructor(directory: string) {
    this.directory = directory;
  }

  /** @param laterMs how far to move the clock ahead, so that the test does not have to wait */
  async run(args: string[], env: NodeJS.ProcessEnv = {}, laterMs = 10_000) {
    const { system, printed } = fakeSystem(() => this.directory, { PATH: process.env.PATH, ...env });
    const exitCode = await main(['secret', ...args], {
      ...system,
      cwd: this.directory,
      now: () => Date.now() + laterMs,
    });
    this.printed += printed.stdout + printed.stderr;
    return { exitCode, ...printed };
  }

  async json(args: string[], env: NodeJS.ProcessEnv = {}) {
    const { exitCode, stdout, stderr } = await this.run([...args, '--json'], env);
    return { exitCode, stderr, ...JSON.parse(stdout) };
  }

  /** How many sessions each secret signed, the newest secret first. */
  async counts(): Promise<[id: string, sessions: number][]> {
    const { secrets } = (await this.json(['list'])) as { secrets: { id: string; sessions: number }[] };
    return secrets.map(({ id, sessions }) => [id, sessions]);
  }
}

test('a rotation moves every session to the new secret, and the old one is retired without a logout', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const secrets = new Secrets(directory);
  const { url } = await serve(sandbox, directory);
  const [first, second] = [(await request(url)).cookie, (await request(url)).cookie];
  const [old = ''] = (await secrets.counts()).map(([id]) => id);
  expect(await secrets.counts()).toEqual([[old, 2]]);

  const { id } = await secrets.json(['rotate']);
  expect(await secrets.counts()).toEqual([
    [id, 0],
    [old, 2],
  ]);
  const renewed = await waitFor(async () => {
    const response = await profile(url, first);
    expect(response.body).toBe(guest);
    return response.cookie !== '' && response.cookie;
  }, 2000);
  expect((await profile(url, renewed)).cookie).toBe('');
  expect(await secrets.counts()).toEqual([
    [id, 1],
    [old, 1],
  ]);

  const before = await readFile(join(directory, '.env'), 'utf8');
  const refused = await secrets.json(['retire', old]);
  expect({ exitCode: refused.exitCode, ...refused.error }).toEqual({
    exitCode: 1,
    code: 'secret-in-use',
    message: `Sessions still signed by ${old}: 1.`,
    hint: expect.stringContaining(`sessapp secret retire ${old} --force`),
  });
  expect(await readFile(join(directory, '.env'), 'utf8')).toBe(before);

  const { cookie: last } = await profile(url, second);
  await profile(url, last);
  expect(await secrets.json(['retire', old.slice(0, 5)])).toEqual({
    ...{ exitCode: 0, stderr: '', version: 1, status: 'retired' },
    ...{ id: old, secrets: [id], loggedOut: 0 },
  });
  expect((await readFile(join(directory, '.env'), 'utf8')).includes(old)).toBe(false);
  await waitFor(async () => (await profile(url, first)).body === nobody, 2000);
  for (const cookie of [renewed, last]) expect((await profile(url, cookie)).body).toBe(guest);
});

test('only --force logs out the session of a client that never came back', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const secrets = new Secrets(directory);
  const { url } = await startPlain(sandbox, directory);
  const { cookie } = await request(url);
  const [old = ''] = await readSecrets(directory);
  await secrets.run(['rotate']);
  expect((await secrets.run(['retire', secretIdOf(old)])).exitCode).toBe(1);
  const { stdout } = await secrets.run(['retire', secretIdOf(old), '--force']);
  expect(stdout).toMatch(/ is retired; sessions logged out: 1\. A running server rejects it within 2 s\.\n$/);
  await waitFor(async () => (await profile(url, cookie)).body === nobody, 2000);
  expect(await secrets.counts()).toHaveLength(1);
  expect(await secrets.json(['list'])).toMatchObject({ sessionsOfOtherSecrets: 1, sessionsOfUnknownSecret: 0 });
});

test('retire waits until the server signs with the new secret, and counts the sessions that were signed before', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const secrets = new Secrets(directory);
  const { url } = await startPlain(sandbox, directory);
  const [old = ''] = await readSecrets(directory);
  await secrets.run(['rotate']);
  const { ctimeMs: changedMs } = await stat(join(directory, '.env'));
  const retiring = secrets.run(['retire', secretIdOf(old)], {}, 0);
  const { cookie } = await request(url);
  const { exitCode, stderr } = await retiring;
  expect(Date.now() - changedMs).toBeGreaterThan(2900);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^Waiting until .*\nCounting sessions …\nerror: Sessions still signed by .*: 1\./);
  expect((await profile(url, cookie)).body).toBe(guest);
});

test('an interrupted retire changes nothing, and leaves no files behind', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const [old = ''] = await readSecrets(directory);
  await new Secrets(directory).run(['rotate']);
  const before = await readFile(join(directory, '.env'), 'utf8');
  const names = await readdir(directory);
  const child = sandbox.start(['secret', 'retire', secretIdOf(old), '-e', directory]);
  child.stderr?.once('data', () => child.kill('SIGINT'));
  expect(await finish(child)).toMatchObject({ exitCode: 130, stdout: '' });
  expect(await readFile(join(directory, '.env'), 'utf8')).toBe(before);
  expect(await readdir(directory)).toEqual(names);
});

test('a session whose secret is unknown counts for every old secret; an expired session counts for none', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const secrets = new Secrets(directory);
  const [old = ''] = (await readSecrets(directory)).map(secretIdOf);
  const { id } = await secrets.json(['rotate']);
  // The commands below run in this process, and two drivers in one process release each other's locks.
  await add(directory, [
    { key: 'unknown' },
    { key: 'expired', expiresAtMs: Date.now() - 1, keyId: old },
    { key: 'foreign', keyId: '00000000' },
    { key: 'newest', keyId: id },
  ]);
  expect(await secrets.json(['list'])).toMatchObject({ sessionsOfOtherSecrets: 1, sessionsOfUnknownSecret: 1 });
  expect((await secrets.json(['retire', old])).error.message).toBe(
    `Sessions still signed by ${old}: 0; sessions whose secret is unknown and may be this one: 1.`,
  );
  const driver = await openStore(join(directory, 'data', 'sessions'));
  await driver.delete('unknown');
  await driver.close();
  expect((await secrets.json(['retire', old])).exitCode).toBe(0);
});

test('while the store cannot be read, a stolen secret can be retired only with --force', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const secrets = new Secrets(directory);
  const [old = ''] = await readSecrets(directory);
  await secrets.run(['rotate']);
  await mkdir(join(directory, 'data'));
  await writeFile(join(directory, 'data', 'sessions'), 'no directory');
  expect((await secrets.json(['retire', secretIdOf(old)])).error.code).toBe('store-unavailable');
  expect(await secrets.json(['retire', secretIdOf(old), '--force'])).toMatchObject({ exitCode: 0, loggedOut: null });
  expect(await readSecrets(directory)).toHaveLength(1);
});

test('list shows which secret signs, and since when, as a table', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const secrets = new Secrets(directory);
  const older = secretOf('o');
  const [first = ''] = await readSecrets(directory);
  const path = join(directory, '.env');
  const since = new Date(Date.now() - 3 * 86_400_000).toISOString();
  await writeFile(path, `# secret ${secretIdOf(first)} since ${since}\nSESSION_SECRET=${first},${older}\n`);
  expect((await secrets.run(['list'])).stdout).toBe(
    [
      'myenv, from .env:',
      'id        since       sessions',
      `${secretIdOf(first)}  3 days ago         0  signs`,
      `${secretIdOf(older)}  unknown            0`,
      '',
    ].join('\n'),
  );
  const { secrets: listed } = await secrets.json(['list']);
  expect(listed).toEqual([
    { id: secretIdOf(first), signs: true, since, sessions: 0 },
    { id: secretIdOf(older), signs: false, since: null, sessions: 0 },
  ]);
});

test('list shows that SESSION_SECRET is set, and says when the running server has another one', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const secrets = new Secrets(directory);
  const own = { SESSION_SECRET: secretOf('r') };
  const { url, child } = await serve(sandbox, directory, [], { env: own });
  await request(url);
  const there = await secrets.json(['list'], own);
  expect(there).toMatchObject({
    source: 'environment',
    secrets: [{ id: secretIdOf(own.SESSION_SECRET), sessions: 1 }],
  });
  expect(there.stderr).toBe('');
  const elsewhere = await secrets.json(['list']);
  expect(elsewhere).toMatchObject({ source: '.env', secrets: [{ sessions: 0 }], sessionsOfOtherSecrets: 1 });
  expect(elsewhere.stderr).toMatch(/was started with SESSION_SECRET set, and does not follow \.env/);
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('close', resolve));
  await serve(sandbox, directory);
  expect((await secrets.json(['list'], own)).stderr).toMatch(/was started without SESSION_SECRET/);
});

test.each([
  ['is missing', 'PORT=0\n', 'secret-missing'],
  ['is short', 'PORT=0\nSESSION_SECRET=short\n', 'secret-short'],
  ['is a placeholder', `SESSION_SECRET='change-me-${secretOf('p')}'\nPORT=0\n`, 'secret-placeholder'],
])('when the secret %s, the command in the server’s hint repairs it, from any directory', async (_, text, code) => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await writeFile(join(directory, '.env'), text);
  const { stdout } = await sandbox.sessapp(['serve', 'myenv', '--json']);
  const { error } = JSON.parse(stdout);
  expect(error.code).toBe(code);
  const [, words = ''] = /sessapp (secret rotate [^,]*),/.exec(error.hint) ?? [];
  expect(await sandbox.sessapp(words.split(' '))).toMatchObject({ exitCode: 0 });
  const { url } = await startPlain(sandbox, directory);
  const { cookie } = await request(url);
  expect((await profile(url, cookie)).body).toBe(guest);
});

test('the output of the commands, and the process list while they run, contain no secret', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  await fill(directory, []);
  const known = [...(await readSecrets(directory)), secretOf('o'), 'short-one'];
  await writeFile(join(directory, '.env'), `SESSION_SECRET=${known}\n`);
  const secrets = new Secrets(directory);
  let running = true;
  const commandLines = (async () => {
    const seen = new Set<string>();
    for (; running; await wait(5)) for (const line of await listCommandLines()) seen.add(line);
    return [...seen].join('\n');
  })();
  const printed: string[] = [];
  const id = secretIdOf(secretOf('o'));
  for (const words of [
    ['rotate'],
    ['list'],
    ['list', '--json'],
    ['retire', id],
    ['rotate', '--json'],
    ['retire', 'x'],
  ]) {
    const { stdout, stderr } = await sandbox.sessapp(['secret', ...words, '-e', directory]);
    printed.push(stdout, stderr);
  }
  await secrets.run(['list', '--json'], { SESSION_SECRET: secretOf('o') });
  await secrets.run(['rotate'], { SESSION_SECRET: secretOf('o') });
  running = false;
  const all = [...printed, secrets.printed, await commandLines].join('\n');
  expect(all).toContain('open-probe');
  expect(all).toContain(` verif`);
  const after = await readSecrets(directory);
  expect(after).toHaveLength(3);
  for (const secret of [...known, ...after]) expect(all).not.toContain(secret);
});

/** The command lines of all processes, if the system has /proc. */
async function listCommandLines(): Promise<string[]> {
  if (process.platform !== 'linux') return ['open-probe'];
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
}

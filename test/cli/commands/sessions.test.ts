import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { open as openLmdb } from 'lmdb';
import { expect, test } from 'vitest';
import { renderRef } from '../../../src/cli/admin/session-ref.ts';
import { invoke } from '../../support/in-process.ts';
import { fill, keyOf, stored } from '../../support/records.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, serve, waitFor } from '../../support/server.ts';

test('sessions stats counts sessions with and without a running server', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const stats = async () =>
    JSON.parse((await sandbox.sessapp(['sessions', 'stats', '-e', environment, '--json'])).stdout);
  const nothing = { version: 1, sessions: 0, anonymous: 0, expired: 0, damaged: 0, setAside: 0, bytes: 0 };
  const noTimes = { oldestAt: null, lastExpiryAt: null };
  expect(await stats()).toEqual({ ...nothing, ...noTimes });
  const { child, url } = await serve(sandbox, environment);
  await request(url);
  await request(url);
  const counted = {
    ...nothing,
    sessions: 2,
    bytes: 2 * '{"username":"guest"}'.length,
    oldestAt: expect.stringMatching(/^\d{4}-.*Z$/),
    lastExpiryAt: expect.stringMatching(/^\d{4}-.*Z$/),
  };
  expect(await stats()).toEqual(counted);
  child.kill('SIGKILL');
  expect(await stats()).toEqual(counted);
});

test('stats as text count the records that were set aside as damaged', async () => {
  const environment = await copyEnvironment(new Sandbox());
  await fill(environment, [{ owner: 'ann' }, { owner: 'bob' }, {}]);
  const root = openLmdb({ path: join(environment, 'data', 'sessions') });
  await root.openDB<Buffer, string>({ name: 'aside', encoding: 'binary' }).put('a', Buffer.from('x'));
  await root.close();
  const { stdout } = await invoke(environment, ['sessions', 'stats']);
  expect(stdout).toMatch(/^myenv has 3 sessions\.\n {2}without an owner {6}1\n {2}oldest +3h ago\n/);
  expect(stdout).toMatch(/ last expiry +in 59m\n +size +54 B\n(.*\n){2} +set aside as damaged +1\n$/);
});

test('a session that is destroyed while the server runs is gone, even for a request in flight', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await addRoutes(
    environment,
    `let finish;
     app.get('/login/:name', (req, res) => { req.session.userId = req.params.name; res.send('in'); });
     app.get('/who', (req, res) => res.send(String(req.session.userId)));
     app.get('/slow', (req, res) => { req.session.seen = req.session.userId; finish = () => res.send('done'); });
     app.get('/is-slow', (req, res) => res.send(String(finish !== undefined)));
     app.get('/finish', (req, res) => { finish(); finish = undefined; res.send('ok'); });`,
  );
  const { url } = await serve(sandbox, environment);
  const bob = await request(`${url}/login/bob`);
  for (const choose of [
    async () => [renderRef((await stored(environment)).find(({ owner }) => owner === 'ann')?.key ?? '')],
    async () => ['--user', 'ann'],
  ]) {
    const { cookie } = await request(`${url}/login/ann`);
    const slow = request(`${url}/slow`, { cookie });
    await waitFor(async () => (await request(`${url}/is-slow`)).body === 'true');
    const ended = await invoke(environment, ['sessions', 'destroy', ...(await choose())]);
    expect(ended.stdout).toBe('Ended 1 session of myenv.\n');
    await request(`${url}/finish`);
    await slow;
    expect((await request(`${url}/who`, { cookie })).body).toBe('undefined');
    expect((await stored(environment)).map(({ owner }) => owner)).toEqual(['bob']);
  }
  expect((await request(`${url}/who`, { cookie: bob.cookie })).body).toBe('bob');
});

test('two concurrent prunes while the server runs delete each expired session once, and keep live sessions', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await fill(
    environment,
    Array.from({ length: 2000 }, () => ({ expiresAtMs: Date.now() - 1 })),
  );
  const { url } = await serve(sandbox, environment);
  const { cookie } = await request(url);
  const both = await Promise.all([1, 2].map(() => sandbox.sessapp(['sessions', 'prune', '-e', environment, '--json'])));
  const deleted = both.map(({ stdout }) => (JSON.parse(stdout) as { deleted: number }).deleted);
  expect(deleted.reduce((a, b) => a + b)).toBe(2000);
  expect(await stored(environment)).toHaveLength(1);
  expect((await request(`${url}/profile`, { cookie })).body).toContain('guest');
});

test('no command prints a session id, a signature or a secret', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { url } = await serve(sandbox, environment);
  const { cookie } = await request(url);
  const value = decodeURIComponent(cookie.split('=')[1] ?? '');
  const [, id = '', signature = ''] = /^s:(.*)\.(.*)$/.exec(value) ?? [];
  const { SESSION_SECRET: secret = '' } = parseEnv(await readFile(join(environment, '.env'), 'utf8'));
  for (const text of [id, signature, secret]) expect(text.length).toBeGreaterThan(30);
  const ref = renderRef(keyOf(id));
  const env = { SESSION_SECRET: secret };
  const printed: string[] = [];
  for (const args of [
    ['list'],
    ['list', '--ndjson'],
    ['stats'],
    ['show', ref, '--values'],
    ['show', id],
    ['show', `-${id.slice(1)}`],
    ['show', value],
    ['show', cookie],
    ['destroy', id],
    ['destroy', '--all'],
    ['prune'],
    ['destroy', ref],
  ]) {
    for (const options of args.includes('--ndjson') ? [[]] : [[], ['--json']]) {
      const { stdout, stderr } = await invoke(environment, ['sessions', ...args, ...options], env);
      printed.push(stdout, stderr);
    }
  }
  const copy = await invoke(environment, ['store', 'backup', '../copy.mdb'], env);
  printed.push(copy.stdout, copy.stderr, (await readFile(sandbox.path('copy.mdb'))).toString('latin1'));
  const all = printed.join('\n');
  expect(all).toContain(ref);
  expect(all).toContain('Ended 1 session');
  for (const text of [id, signature, secret]) expect(all).not.toContain(text.slice(1, 17));
});

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { readJson } from '../../src/files.ts';
import { type Dashboard, openDashboard } from '../support/dashboard.ts';
import { invoke } from '../support/in-process.ts';
import { add, fill, type Given, hourMs, keyOf, removeData } from '../support/records.ts';
import { finish, Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, serve, waitFor } from '../support/server.ts';

const sandbox = new Sandbox(afterAll);
let environment: string;

beforeAll(async () => {
  environment = await copyEnvironment(sandbox);
});

interface Row {
  ref: string;
  owner: string | null;
  label: string;
}

async function list(dashboard: Dashboard, query = ''): Promise<{ sessions: Row[]; hasMore: boolean }> {
  const { status, body } = await dashboard.call('GET', `sessions?${query}`);
  expect(status).toBe(200);
  return body;
}

/** Starts a server that stops at the end of the test, because the next test needs other sessions. */
async function serveOnce(args: string[] = []): Promise<string> {
  const { url, child } = await serve(sandbox, environment, args);
  const ended = finish(child);
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  return url;
}

const ownersOf = ({ sessions }: { sessions: Row[] }): (string | null)[] => sessions.map(({ owner }) => owner);

test('sessions are listed with the fields of sessions list, soonest to expire first', async () => {
  const nowMs = Date.now();
  await fill(environment, [
    { owner: 'bob', keyId: 'k1', createdAtMs: nowMs - 3, seenAtMs: nowMs - 2, expiresAtMs: nowMs + hourMs },
    { expiresAtMs: nowMs + hourMs / 2 },
    { owner: 'gone', expiresAtMs: nowMs - 1 },
    { owner: 'cy\u202ed', expiresAtMs: nowMs + 2 * hourMs },
  ]);
  const dashboard = await openDashboard(sandbox, environment);
  const { sessions, hasMore } = await list(dashboard);
  expect(hasMore).toBe(false);
  expect(sessions.map(({ owner, label }) => [owner, label])).toEqual([
    [null, ''],
    ['bob', 'bob'],
    ['cy\u202ed', 'cy\\u202ed'],
  ]);
  const listed = JSON.parse((await invoke(environment, ['sessions', 'list', '--json'])).stdout).sessions;
  expect(sessions).toMatchObject(listed);
  expect(sessions[1]).toMatchObject({ ref: keyOf(0), bytes: 18, secret: 'k1', damaged: false });
});

test('many sessions are shown page by page', async () => {
  const expiresAtMs = Date.now() + hourMs;
  await fill(
    environment,
    Array.from({ length: 120 }, (_, n): Given => ({ owner: `user ${n}`, expiresAtMs: expiresAtMs + n })),
  );
  const dashboard = await openDashboard(sandbox, environment);
  const pages = [0, 1, 2, 3].map((page) => list(dashboard, `page=${page}`));
  const [first, second, third, fourth] = await Promise.all(pages);
  expect([first, second, third, fourth].map((page) => [page?.sessions.length, page?.hasMore])).toEqual([
    [50, true],
    [50, true],
    [20, false],
    [0, false],
  ]);
  const owners = [first, second, third].flatMap((page) => page?.sessions.map(({ owner }) => owner));
  expect(owners).toEqual(Array.from({ length: 120 }, (_, n) => `user ${n}`));
});

test('a search finds an owner, a part of an owner in any case, and the beginning of a reference, each once', async () => {
  await fill(environment, [
    { owner: 'ann' },
    { owner: 'Joanna' },
    { owner: 'bob' },
    {},
    { key: `-ann${keyOf(4).slice(4)}`, owner: 'ann' },
    { key: `annx${keyOf(5).slice(4)}`, owner: 'hanns' },
    { owner: 'ann', expiresAtMs: 1 },
  ]);
  const dashboard = await openDashboard(sandbox, environment);
  const search = async (text: string): Promise<(string | null)[]> =>
    ownersOf(await list(dashboard, new URLSearchParams({ search: text }).toString()));
  const all = await search('ann');
  expect(all.slice(0, 2)).toEqual(['ann', 'ann']);
  expect([...all].sort()).toEqual(['Joanna', 'ann', 'ann', 'hanns']);
  expect(await search('annx')).toEqual(['hanns']);
  expect(await search(' JOANN ')).toEqual(['Joanna']);
  expect(await search(keyOf(2))).toEqual(['bob']);
  expect(await search(keyOf(3).slice(0, 6))).toEqual([null]);
  expect(await search('+ann')).toEqual(['ann']);
  expect(await search('nobody')).toEqual([]);
  expect(await search('%')).toEqual([]);
});

test('a session is shown without its values; with --values, credentials are masked', async () => {
  const data = JSON.stringify({
    username: 'ann',
    cart: [1],
    csrfToken: 'opensesame',
    deep: { apiKey: 'hush' },
    cookie: {},
  });
  await fill(environment, [{ data, owner: 'ann' }, { data: 'nonsense' }]);
  const path = `session?ref=${keyOf(0).slice(0, 8)}`;
  const hiding = await openDashboard(sandbox, environment);
  const { body } = await hiding.call('GET', path);
  expect(body).toMatchObject({ ref: keyOf(0), owner: 'ann', keys: ['username', 'cart', 'csrfToken', 'deep'] });
  expect(body.values).toBeUndefined();
  const showing = await openDashboard(sandbox, environment, ['--values']);
  const shown = await showing.call('GET', path);
  expect(shown.body.values).toEqual([
    ['username', '"ann"'],
    ['cart', '[1]'],
    ['csrfToken', '"[masked]"'],
    ['deep', '{"apiKey":"[masked]"}'],
  ]);
  expect((await showing.call('GET', `session?ref=${keyOf(1)}`)).body).toMatchObject({ damaged: true, keys: [] });
  expect(JSON.stringify(await list(showing))).not.toContain('cart');
  expect(await showing.call('GET', 'session?ref=zzzzzzzz')).toMatchObject({
    status: 404,
    body: { error: { code: 'session-unknown' } },
  });
});

test('an ended session is logged out at once on the running server, and the others stay', async () => {
  await removeData(environment);
  await addRoutes(
    environment,
    `app.get('/login/:name', (req, res) => { req.session.userId = req.params.name; res.send('in'); });
     app.get('/who', (req, res) => res.send(String(req.session.userId)));`,
  );
  const url = await serveOnce(['--workers', '2']);
  const dashboard = await openDashboard(sandbox, environment);
  const login = (name: string) => request(`${url}/login/${name}`);
  const who = async ({ cookie }: { cookie: string }) => (await request(`${url}/who`, { Cookie: cookie })).body;
  const [ann, phone, laptop, eve] = [await login('ann'), await login('bob'), await login('bob'), await login('eve')];

  const [row] = (await list(dashboard, 'search=ann')).sessions;
  expect(await dashboard.call('POST', 'end', { ref: row?.ref })).toEqual({ status: 200, body: { ended: 1 } });
  expect(await Promise.all([ann, phone, laptop].map(who))).toEqual(['undefined', 'bob', 'bob']);
  expect((await dashboard.call('POST', 'end', { ref: row?.ref })).status).toBe(404);

  expect((await dashboard.call('GET', 'count?owner=bob')).body).toEqual({ count: 2 });
  expect((await dashboard.call('POST', 'end', { owner: 'bob' })).body).toEqual({ ended: 2 });
  expect(await Promise.all([phone, laptop, eve].map(who))).toEqual(['undefined', 'undefined', 'eve']);

  expect((await dashboard.call('POST', 'end', { all: true })).body).toEqual({ ended: 1 });
  expect(await who(eve)).toBe('undefined');

  const state = (await dashboard.call('GET', 'state')).body;
  expect(state.server).toMatchObject({ url, workers: 2, ready: 2 });
  const responses = [await dashboard.call('GET', 'state'), await list(dashboard), state];
  for (const { cookie } of [ann, phone, laptop, eve]) {
    const id =
      decodeURIComponent(cookie)
        .replace(/^.*=s:/, '')
        .split('.')[0] ?? 'none';
    expect(id).toMatch(/^[\w-]{20,}$/);
    expect(JSON.stringify(responses)).not.toContain(id);
  }
});

test('--read-only refuses to end sessions', async () => {
  await fill(environment, [{ owner: 'ann' }]);
  const dashboard = await openDashboard(sandbox, environment, ['--read-only']);
  for (const which of [{ ref: keyOf(0) }, { owner: 'ann' }, { all: true }])
    expect(await dashboard.call('POST', 'end', which)).toMatchObject({
      status: 403,
      body: { error: { code: 'read-only', hint: 'Start it without --read-only.' } },
    });
  expect(ownersOf(await list(dashboard))).toEqual(['ann']);
  expect((await dashboard.call('GET', 'state')).body).toMatchObject({ isReadOnly: true });
});

test('live, new and ended sessions are counted over time', async () => {
  await fill(environment, [{ owner: 'ann' }, {}, { expiresAtMs: 1 }]);
  const dashboard = await openDashboard(sandbox, environment);
  const state = async () => (await dashboard.call('GET', 'state')).body;
  const first = await waitFor(async () => ((await state()).counts ? state() : undefined));
  expect(first.counts).toMatchObject({ live: 2, anonymous: 1, expired: 1, damaged: 0 });
  await dashboard.call('POST', 'end', { owner: 'ann' });
  const createdAtMs = Date.now() + 1;
  await add(
    environment,
    [7, 8, 9].map((n) => ({ key: keyOf(n), createdAtMs })),
  );
  const samples = await waitFor(async () => {
    const { samples } = await state();
    return samples.at(-1).live === 4 && samples;
  });
  const sum = (name: string): number =>
    samples.reduce((total: number, sample: Record<string, number>) => total + (sample[name] ?? 0), 0);
  expect([sum('created'), sum('ended')]).toEqual([3, 1]);
});

test('a rotation and a migration are shown while they are in progress', async () => {
  await fill(environment, []);
  const dashboard = await openDashboard(sandbox, environment);
  const state = async () => (await dashboard.call('GET', 'state')).body;
  const before = await state();
  expect(before).toMatchObject({ name: 'myenv', store: 'embedded', server: null });
  expect(before.migration).toBeUndefined();
  expect(before.secretUses.secrets).toHaveLength(1);
  await invoke(environment, ['secret', 'rotate']);
  expect((await state()).secretUses.secrets).toMatchObject([
    { signs: true },
    { id: before.secretUses.secrets[0].id, signs: false },
  ]);
  const path = join(environment, 'sessapp.json');
  const marker = await readJson<object>(path);
  const migration = { from: 'embedded', to: 'redis', phase: 'move' };
  await writeFile(path, JSON.stringify({ ...marker, migration }));
  expect((await state()).migration).toEqual(migration);
  await writeFile(path, 'nonsense');
  expect(await dashboard.call('GET', 'state')).toMatchObject({
    status: 409,
    body: { error: { code: 'marker-damaged' } },
  });
  await writeFile(path, JSON.stringify(marker));
  expect((await state()).migration).toBeUndefined();
});

test('before the first start there are no sessions and no store is created; a store that a server creates is found', async () => {
  await removeData(environment);
  const dashboard = await openDashboard(sandbox, environment);
  expect(await list(dashboard)).toMatchObject({ sessions: [], hasMore: false });
  expect((await dashboard.call('POST', 'end', { all: true })).body).toEqual({ ended: 0 });
  const url = await serveOnce();
  await request(`${url}/login/ann`);
  expect(ownersOf(await list(dashboard))).toEqual(['ann']);
});

test('after the store was replaced, the dashboard continues with the new store', async () => {
  await fill(environment, [{ owner: 'ann' }]);
  const dashboard = await openDashboard(sandbox, environment);
  expect(ownersOf(await list(dashboard))).toEqual(['ann']);
  await fill(environment, [{ owner: 'bob' }]);
  await waitFor(async () => (await dashboard.call('GET', 'sessions')).body.sessions?.[0]?.owner === 'bob');
  const state = await waitFor(async () => {
    const { body } = await dashboard.call('GET', 'state');
    return body.failure === null && body;
  });
  expect(state.counts).toMatchObject({ live: 1 });
});

test('a store that cannot be used ends the command with an error and a remedy', async () => {
  await fill(environment, []);
  await writeFile(join(environment, 'data', 'sessions', 'data.mdb'), 'x'.repeat(10_000));
  const { exitCode, stdout } = await sandbox.sessapp(['dashboard', environment, '--json']);
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout).error).toMatchObject({ code: 'store-unavailable' });
  await removeData(environment);
});

import type { Express, Request } from 'express';
import { expect, test } from 'vitest';
import { dayMs, hourMs, startSite } from './support.ts';

type Plain = Parameters<Request['sessionStore']['createSession']>[1];

/** Creates sessions from plain data: `/create` saves the session itself, `/later` leaves the save to the response. */
function routes(app: Express): void {
  const plain = (req: Request): Plain => JSON.parse(String(req.query.data));
  app.get('/login', (req, res) => {
    Object.assign(req.session, { userId: 'ann', theme: 'dark' });
    res.send();
  });
  app.get('/create', (req, res) => {
    req.sessionStore.createSession(req, plain(req)).save((error) => res.json(error ?? null));
  });
  app.get('/later', (req, res) => {
    req.sessionStore.createSession(req, plain(req));
    res.json(null);
  });
  app.get('/copy', (req, res) => {
    req.sessionStore.get(req.sessionID, (_, data) => {
      const copy = { ...JSON.parse(JSON.stringify(data)), count: 1 };
      req.sessionStore.createSession(req, copy).save((error) => res.json(error ?? null));
    });
  });
  app.get('/set', (req, res) => {
    req.sessionStore.set(req.sessionID, plain(req), (error) => res.json(error ?? null));
  });
  app.get('/show', (req, res) => {
    const { cookie: _, ...data } = req.session;
    res.json(data);
  });
}

const query = (data: object): string => `?data=${encodeURIComponent(JSON.stringify(data))}`;
const cookie = { originalMaxAge: null };

test.each([
  ['/create', { cookie, userId: 'bob' }],
  ['/create', { cookie: { originalMaxAge: hourMs, expires: '2026-01-01T00:00:00.000Z' }, userId: 'bob' }],
  ['/create', { userId: 'bob' }],
  ['/later', { cookie, userId: 'bob' }],
  ['/set', { cookie, userId: 'bob' }],
])('%s with the plain data %j replaces an existing session', async (path, data) => {
  const site = await startSite(routes);
  const browse = site.browser();
  await browse('/login');
  expect(await browse(path + query(data))).toMatchObject({ status: 200, body: 'null' });
  expect(JSON.parse((await browse('/show')).body)).toEqual({ userId: 'bob' });
  const [record, ...others] = await site.records();
  expect(others).toEqual([]);
  expect(record).toMatchObject({ owner: 'bob' });
  expect(site.log).toEqual([]);
});

test.each(['/create', '/later'])('%s with plain data creates a session when there is none', async (path) => {
  const site = await startSite(routes);
  const browse = site.browser();
  expect(await browse(path + query({ cookie, userId: 'bob' }))).toMatchObject({ status: 200, body: 'null' });
  expect(JSON.parse((await browse('/show')).body)).toEqual({ userId: 'bob' });
});

test.each<[lifetimeMs: number, data: object]>([
  [hourMs, { cookie: { originalMaxAge: hourMs }, userId: 'bob' }],
  [dayMs, { cookie: { originalMaxAge: null }, userId: 'bob' }],
  [dayMs, { cookie: {}, userId: 'bob' }],
  [dayMs, { userId: 'bob' }],
])('a lifetime of %i ms results from the plain data %j', async (lifetimeMs, data) => {
  for (const path of ['/create', '/set']) {
    const site = await startSite(routes);
    const browse = site.browser();
    await browse('/login');
    await browse(path + query(data));
    expect(await site.records(), path).toMatchObject([{ expiresAtMs: site.clock.now + lifetimeMs }]);
  }
});

test('a copy of the stored data replaces it, and does not set a lifetime', async () => {
  const site = await startSite(routes);
  const browse = site.browser();
  await browse('/login');
  expect((await browse('/copy')).body).toBe('null');
  expect(JSON.parse((await browse('/show')).body)).toEqual({ userId: 'ann', theme: 'dark', count: 1 });
  expect((await site.records())[0]?.data).not.toContain('cookie');
});

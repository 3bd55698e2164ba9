import { expect, test } from 'vitest';
import { startSite } from './support.ts';

test.each<[string, unknown]>([
  ['expires = null', { expires: null }],
  ['expires = false', { expires: false }],
  ['maxAge = null', { maxAge: null }],
  ['maxAge = NaN', { maxAge: Number.NaN }],
  ['originalMaxAge = a text', { originalMaxAge: 'x' }],
])('with cookie.%s the cookie ends with the browser, and the session is kept', async (_, cookie) => {
  const site = await startSite((app) => {
    app.get('/login', (req, res) => {
      Object.assign(req.session, { userId: 'ann' });
      Object.assign(req.session.cookie, cookie);
      res.send();
    });
    app.get('/show', (req, res) => res.json([req.session.userId, req.session.cookie.originalMaxAge]));
  });
  const browse = site.browser();
  expect(String((await browse('/login')).headers['set-cookie'])).not.toMatch(/Max-Age|Expires/);
  const shown = await browse('/show');
  expect(shown.body).toBe('["ann",null]');
  expect(shown.headers).not.toHaveProperty('set-cookie');
  expect(site.log).toEqual([]);
});

test.each([
  ['another', (data: Record<string, unknown>) => Object.assign(data, { cookie: 'x' })],
  ['an altered', (data: Record<string, unknown>) => Object.assign(data.cookie as object, { originalMaxAge: 'x' })],
  ['no', (data: Record<string, unknown>) => delete data.cookie],
])(
  'a function for update that leaves %s cookie in its data does not change how long the session lives',
  async (_, change) => {
    const site = await startSite((app) => {
      app.get('/login', (req, res) => {
        req.session.cookie.maxAge = 60_000;
        req.session.userId = 'ann';
        res.send();
      });
      app.get('/update', async (req, res) => {
        await req.session.update((data) => {
          change(data);
          data.count = 1;
        });
        res.send();
      });
      app.get('/show', (req, res) => res.json([req.session.userId, req.session.count]));
    });
    const browse = site.browser();
    await browse('/login');
    const [before] = await site.records();
    expect((await browse('/update')).status).toBe(200);
    expect((await browse('/show')).body).toBe('["ann",1]');
    expect(await site.records()).toMatchObject([{ expiresAtMs: before?.expiresAtMs }]);
  },
);

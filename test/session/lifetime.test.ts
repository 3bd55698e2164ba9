import { expect, test } from 'vitest';
import { startSite } from './support.ts';

const minuteMs = 60_000;

test.each<[string, unknown]>([
  ['expires = null', { expires: null }],
  ['expires = false', { expires: false }],
  ['maxAge = null', { maxAge: null }],
  ['maxAge = NaN', { maxAge: Number.NaN }],
  ['originalMaxAge = a text', { originalMaxAge: 'x' }],
])('with cookie.%s the cookie expires with the browser, and the session is kept', async (_, cookie) => {
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
  'an update function that leaves %s cookie in the data does not change the lifetime of the session',
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

test('a session without a cookie object is saved', async () => {
  const site = await startSite((app) => {
    app.get('/', (req, res) => {
      Object.assign(req.session, { userId: 'ann', cookie: null });
      res.send();
    });
  });
  expect((await site.request('/')).status).toBe(200);
  expect(await site.records()).toMatchObject([{ data: '{"userId":"ann"}', owner: 'ann' }]);
});

test.each([
  ['of an anonymous session', 30 * minuteMs],
  ['of a session with an owner', 24 * 60 * minuteMs],
  ['of another length', 29 * minuteMs],
])('a lifetime %s takes effect when the application chooses it at login', async (_, chosenMs) => {
  const site = await startSite((app) => {
    app.get('/login', (req, res) => {
      req.session.cookie.maxAge = chosenMs;
      req.session.userId = 'ann';
      res.send();
    });
    app.get('/again', (req, res) => req.session.regenerate(() => res.redirect('/login')));
    app.get('/logout', (req, res) => {
      delete req.session.userId;
      res.send();
    });
  });
  const browse = site.browser();
  const leftMs = async (): Promise<number> => ((await site.records())[0]?.expiresAtMs ?? 0) - site.clock.now;
  for (const path of ['/login', '/logout', '/again', '/login']) {
    await browse(path);
    if (path !== '/again') expect(await leftMs()).toBe(chosenMs);
  }
});

test.each(['resetMaxAge', 'touch'] as const)(
  '%s does not choose a lifetime; afterwards the handler sees a later expiry',
  async (name) => {
    const site = await startSite((app) => {
      app.get('/set/:key', (req, res) => {
        const before = Number(req.session.cookie.expires);
        site.clock.now += 5;
        req.session[name]();
        Object.assign(req.session, { [req.params.key]: 'x' });
        res.json(Number(req.session.cookie.expires) - before > 0);
      });
    });
    const browse = site.browser();
    expect((await browse('/set/theme')).body).toBe('true');
    expect(await site.records()).toMatchObject([{ expiresAtMs: site.clock.now + 30 * minuteMs }]);
    expect((await browse('/set/userId')).body).toBe('true');
    expect(await site.records()).toMatchObject([{ expiresAtMs: site.clock.now + 24 * 60 * minuteMs }]);
  },
);

test('an application may choose a lifetime for every visitor without creating a session for each', async () => {
  const site = await startSite((app) => {
    app.use((req, _res, next) => {
      req.session.cookie.maxAge = minuteMs;
      next();
    });
    app.get('/', (_req, res) => void res.send());
    app.get('/login', (req, res) => {
      req.session.userId = 'ann';
      res.send();
    });
  });
  expect((await site.request('/')).headers).not.toHaveProperty('set-cookie');
  expect(await site.records()).toEqual([]);
  await site.request('/login');
  const [record] = await site.records();
  expect(record?.expiresAtMs).toBe(site.clock.now + minuteMs);
});

test.each([
  ['of a year', 365 * 24 * 60 * minuteMs],
  ['of ten years', 3650 * 24 * 60 * minuteMs],
  ['as long as the absolute limit', 30 * 24 * 60 * minuteMs],
])(
  'a lifetime %s that is chosen at login is bounded by the absolute limit, not by the visitor’s lifetime',
  async (_, maxAge) => {
    const site = await startSite((app) => {
      app.get('/visit', (req, res) => {
        req.session.count = 1;
        res.send();
      });
      app.get('/login', (req, res) => {
        req.session.userId = 'ann';
        req.session.cookie.maxAge = maxAge;
        res.send();
      });
    });
    const browse = site.browser();
    await browse('/visit');
    await browse('/login');
    const [record] = await site.records();
    expect(Number(record?.expiresAtMs) - Number(record?.createdAtMs)).toBe(30 * 24 * 60 * minuteMs);
  },
);

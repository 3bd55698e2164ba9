import type { Express } from 'express';
import { expect, test, vi } from 'vitest';
import { change, dayMs, gate, hourMs, minuteMs, openStore, type Site, startSite } from './support.ts';

function routes(app: Express): void {
  app.get('/login', (req, res) => {
    Object.assign(req.session, { userId: 'ann', count: 0, list: [] });
    res.send('in');
  });
  app.get('/set/:key/:value', (req, res) => {
    req.session[req.params.key as string] = req.params.value;
    res.send('set');
  });
  app.get('/delete/:key', (req, res) => {
    delete req.session[req.params.key as string];
    res.send('deleted');
  });
  app.get('/count', async (req, res) => {
    await req.session.update((data) => {
      data.count = (data.count ?? 0) + 1;
      data.list?.push(data.count);
    });
    res.json(req.session.count);
  });
  app.get('/show', (req, res) => {
    const { cookie: _, ...data } = req.session;
    res.json(data);
  });
}

/** The log message for a changed session that is gone. It identifies the record by a part of its session key. */
const lostChange = {
  level: 'warn',
  detail: { session: expect.stringMatching(/^[\w+-]{8}$/) },
  message: expect.stringMatching(/^a change of a session was not saved/),
};

const show = async (browse: Site['request']): Promise<unknown> => JSON.parse((await browse('/show')).body);

test('concurrent requests of one session in two processes keep each other’s changed and deleted properties', async () => {
  const driver = await openStore();
  const [one, two] = [await startSite(routes, { driver }), await startSite(routes, { driver })];
  const browse = one.browser();
  const { cookie } = await browse('/login');
  await browse('/set/old/1');
  const paths = [...Array.from({ length: 30 }, (_, n) => `/set/k${n}/${n}`), '/delete/old'];
  await Promise.all(paths.map((path, n) => (n % 2 ? one : two).request(path, { headers: { Cookie: cookie } })));
  const expected = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`k${n}`, String(n)]));
  expect(await show(browse)).toEqual({ userId: 'ann', count: 0, list: [], ...expected });
});

test('an update reads and writes atomically, and the session shows the result', async () => {
  const driver = await openStore();
  const [one, two] = [await startSite(routes, { driver }), await startSite(routes, { driver })];
  const browse = one.browser();
  const { cookie } = await browse('/login');
  const counts = Array.from({ length: 40 }, (_, n) =>
    (n % 2 ? one : two).request('/count', { headers: { Cookie: cookie } }),
  );
  const seen = (await Promise.all(counts)).map(({ body }) => Number(body));
  const numbers = Array.from({ length: 40 }, (_, n) => n + 1);
  expect(seen.sort((a, b) => a - b)).toEqual(numbers);
  expect(await show(browse)).toEqual({ userId: 'ann', count: 40, list: numbers });
});

test('an update stores the request’s earlier changes, and later changes are saved too', async () => {
  const site = await startSite((app) => {
    routes(app);
    app.get('/mixed', async (req, res) => {
      req.session.before = 1;
      const updated = req.session.update((data) => Object.assign(data, { during: data.before }));
      req.session.meanwhile = 2;
      await updated;
      req.session.after = 3;
      res.send();
    });
  });
  const browse = site.browser();
  await browse('/mixed');
  await browse('/mixed');
  expect(await show(browse)).toEqual({ before: 1, during: 1, meanwhile: 2, after: 3 });
});

test('a session that is only read is not written, and is touched after a tenth of its idle time', async () => {
  const store = await openStore();
  const calls = { update: vi.fn(store.update.bind(store)), touch: vi.fn(store.touch.bind(store)) };
  const site = await startSite(routes, { driver: change(store, calls) });
  const browse = site.browser();
  await browse('/login');
  await browse('/set/userId/ann');
  site.clock.now += 2.3 * hourMs;
  await browse('/show');
  expect([calls.update.mock.calls.length, calls.touch.mock.calls.length]).toEqual([0, 0]);
  site.clock.now += 0.2 * hourMs;
  await browse('/show');
  expect([calls.update.mock.calls.length, calls.touch.mock.calls.length]).toEqual([0, 1]);
  expect(await site.records()).toMatchObject([{ seenAtMs: site.clock.now, expiresAtMs: site.clock.now + dayMs }]);
});

test('a change extends a session once a hundredth of its idle time has passed; a changed lifetime takes effect immediately', async () => {
  const site = await startSite((app) => {
    routes(app);
    app.get('/brief', (req, res) => {
      req.session.cookie.maxAge = dayMs - minuteMs;
      res.send();
    });
  });
  const browse = site.browser();
  const leftMs = async (): Promise<number> => ((await site.records())[0]?.expiresAtMs ?? 0) - site.clock.now;
  await browse('/set/userId/ann');
  for (const [path, laterMs, leftThenMs] of [
    ['/set/theme/dark', 14 * minuteMs, dayMs - 14 * minuteMs],
    ['/set/theme/light', minuteMs, dayMs],
    ['/brief', minuteMs, dayMs - minuteMs],
    ['/set/theme/dark', minuteMs, dayMs - 2 * minuteMs],
  ] as const) {
    site.clock.now += laterMs;
    await browse(path);
    expect([path, await leftMs()]).toEqual([path, leftThenMs]);
    expect(await site.records()).toMatchObject([{ seenAtMs: site.clock.now }]);
  }
});

test('a request whose touch fails still gets its response', async () => {
  const driver = change(await openStore(), { touch: () => Promise.reject(new Error('read-only')) });
  const site = await startSite(routes, { driver });
  const browse = site.browser();
  await browse('/login');
  site.clock.now += 3 * hourMs;
  expect((await browse('/show')).status).toBe(200);
  expect(site.log).toMatchObject([{ level: 'warn' }]);
});

test('reading creates no session', async () => {
  const site = await startSite(routes);
  const response = await site.request('/show');
  expect(response.headers).not.toHaveProperty('set-cookie');
  expect(await site.records()).toEqual([]);
});

test('a session expires after its idle time without a request, and after its absolute time in any case', async () => {
  const site = await startSite(routes);
  const browse = site.browser();
  await browse('/login');
  site.clock.now += dayMs - 1;
  expect(await show(browse)).toMatchObject({ userId: 'ann' });
  site.clock.now += dayMs;
  expect(await show(browse)).toEqual({});
  const often = site.browser();
  await often('/login');
  for (let day = 0.5; day < 30; day += 0.5) {
    site.clock.now += dayMs / 2;
    expect(await show(often)).toMatchObject({ userId: 'ann' });
  }
  site.clock.now += dayMs / 2;
  expect(await show(often)).toEqual({});
});

test.each([
  ['no owner', 'theme', 30 * minuteMs],
  ['a userId', 'userId', dayMs],
  ['a username, as on the first page of the tutorial', 'username', dayMs],
  ['a user of Passport', 'passport', dayMs],
])('a session with %s gets the lifetime for it', async (_, key, idleMs) => {
  const site = await startSite((app) => {
    app.get('/set/passport/x', (req, res) => {
      req.session.passport = { user: 7 };
      res.send();
    });
    routes(app);
  });
  const browse = site.browser();
  await browse(`/set/${key}/x`);
  expect((await site.records())[0]?.expiresAtMs).toBe(site.clock.now + idleMs);
  site.clock.now += idleMs;
  expect(await show(browse)).toEqual({});
});

test('an application chooses the lifetime of one session with cookie.maxAge, and later requests keep it', async () => {
  const site = await startSite((app) => {
    app.get('/remember', (req, res) => {
      req.session.cookie.maxAge = 7 * dayMs;
      req.session.theme = 'dark';
      res.send();
    });
    app.get('/browser', (req, res) => {
      req.session.cookie.expires = null;
      req.session.theme = 'dark';
      res.send();
    });
    routes(app);
  });
  const browse = site.browser();
  await browse('/remember');
  site.clock.now += 6 * dayMs;
  await browse('/set/other/1');
  site.clock.now += 6 * dayMs;
  expect(await show(browse)).toEqual({ theme: 'dark', other: '1' });
  expect(String((await site.request('/browser')).headers['set-cookie'])).not.toMatch(/Max-Age|Expires/);
});

test('special property names of JavaScript change nothing', async () => {
  const site = await startSite((app) => {
    app.get('/attack', (req, res) => {
      const evil = JSON.parse(
        '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"save":1,"ok":1}',
      );
      for (const key of Object.keys(evil))
        Object.defineProperty(req.session, key, { value: evil[key], enumerable: true });
      res.send();
    });
    app.get('/assign', (req, res) => {
      for (const key of ['__proto__', 'constructor', 'toString', '__defineGetter__'])
        req.session[key] = { admin: true };
      req.session.toJSON = () => ({ admin: true });
      req.session.save(() => res.send(String(req.session.admin)));
    });
    routes(app);
  });
  const browse = site.browser();
  expect((await browse('/attack')).status).toBe(200);
  expect(await show(browse)).toEqual({ ok: 1 });
  expect((await site.records()).map(({ data }) => data)).toEqual(['{"ok":1}']);
  await browse('/set/more/1');
  expect((await browse('/assign')).body).toBe('undefined');
  expect(await show(browse)).toEqual({ ok: 1, more: '1' });
  expect(({} as Record<string, unknown>).admin).toBeUndefined();
});

test('a session above 32 KB logs a warning, and above 256 KB it is refused and the stored session stays', async () => {
  const site = await startSite((app) => {
    app.get('/fill/:bytes', (req, res) => {
      req.session.value = 'x'.repeat(Number(req.params.bytes));
      res.send();
    });
    routes(app);
  });
  const browse = site.browser();
  await browse('/fill/30000');
  expect(site.log).toEqual([]);
  expect((await browse('/fill/33000')).status).toBe(200);
  expect(site.log).toMatchObject([{ level: 'warn', detail: { bytes: 33012 } }]);
  expect((await browse('/fill/262144')).status).toBe(500);
  expect(site.log).toMatchObject([{}, { detail: { err: { message: expect.stringMatching(/262156 bytes.*262144/) } } }]);
  expect((await show(browse)) as { value: string }).toEqual({ value: 'x'.repeat(33000) });
});

test.each([
  ['truncated', '{"userId":'],
  ['not text', { toString: 0 }],
])('a record that is %s is logged and set aside, and its client gets an anonymous session', async (_, data) => {
  const site = await startSite(routes);
  const browse = site.browser();
  await browse('/login');
  const [record] = await site.records();
  if (!record) throw new Error('there is no record');
  await site.driver.update(record.key, record.version, { ...record, data: data as string });
  const aside = vi.spyOn(site.driver, 'setAside');
  expect(await show(browse)).toEqual({});
  expect(site.log).toMatchObject([{ level: 'error', message: expect.stringContaining('set aside') }]);
  expect(aside).toHaveBeenCalledWith(record.key);
  expect(await site.records()).toEqual([]);
});

test.each(['destroy', 'regenerate'])(
  'a session that another request destroys with %s is not restored',
  async (method) => {
    const { opened, open } = gate();
    const { opened: begun, open: begin } = gate();
    const driver = await openStore();
    const slow = await startSite(
      (app) =>
        app.get('/slow', async (req, res) => {
          req.session.late = 'x';
          begin();
          await opened;
          res.send('slow');
        }),
      { driver },
    );
    const site = await startSite(
      (app) => {
        routes(app);
        app.get('/end', (req, res) => req.session[method as 'destroy'](() => res.send('ended')));
      },
      { driver },
    );
    const { cookie } = await site.request('/login');
    const late = slow.request('/slow', { headers: { Cookie: cookie } });
    await begun;
    await site.request('/end', { headers: { Cookie: cookie } });
    open();
    expect(await late).toMatchObject({ status: 200, cookie: '' });
    expect(await site.records()).toEqual([]);
    expect(slow.log).toEqual([lostChange]);
    expect(site.log).toEqual([]);
    expect((await site.request('/show', { headers: { Cookie: cookie } })).body).toBe('{}');
  },
);

test('a session that expires while a request runs is not restored', async () => {
  const { opened, open } = gate();
  const { opened: begun, open: begin } = gate();
  const site = await startSite((app) => {
    routes(app);
    app.get('/slow', async (req, res) => {
      begin();
      await opened;
      req.session.late = 'x';
      res.send('slow');
    });
  });
  const browse = site.browser();
  await browse('/login');
  const late = browse('/slow');
  await begun;
  site.clock.now += 2 * dayMs;
  open();
  expect(await late).toMatchObject({ status: 200 });
  expect(site.log).toEqual([lostChange]);
  expect(await site.driver.prune(site.clock.now, 10)).toBe(1);
  expect(await site.records()).toEqual([]);
});

test('two concurrent regenerates each leave a working session, and the old id is invalid', async () => {
  const { opened, open } = gate();
  const { opened: bothBegun, open: begin } = gate();
  const waiting = new Set<string>();
  const site = await startSite((app) => {
    routes(app);
    app.get('/regenerate/:name', async (req, res) => {
      waiting.add(req.params.name);
      if (waiting.size === 2) begin();
      await opened;
      req.session.regenerate(() => {
        req.session.name = req.params.name;
        res.send();
      });
    });
  });
  const { cookie } = await site.request('/login');
  const both = ['a', 'b'].map((name) => site.request(`/regenerate/${name}`, { headers: { Cookie: cookie } }));
  await bothBegun;
  open();
  const cookies = (await Promise.all(both)).map((response) => response.cookie);
  const shown = [cookie, ...cookies].map((Cookie) => site.request('/show', { headers: { Cookie } }));
  expect((await Promise.all(shown)).map(({ body }) => body)).toEqual(['{}', '{"name":"a"}', '{"name":"b"}']);
});

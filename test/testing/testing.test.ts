import { setTimeout } from 'node:timers/promises';
import express, { type Express } from 'express';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SessionOptions, session } from '../../src/session/index.ts';
import { createClock, memory, startTestServer, type TestOptions, type TestServer } from '../../src/testing/index.ts';
import { hourMs, minuteMs } from '../session/support.ts';
import { testLists } from '../stores/contract-lists.ts';
import { testRecords } from '../stores/contract-records.ts';
import type { Ways } from '../stores/contract-support.ts';

describe('the store in memory', () => {
  const ways = {} as Ways;
  beforeEach(() => {
    ways.driver = memory();
    ways.other = ways.driver;
  });

  test('does not create a record that exists', async () => {
    const record = { data: '{}', createdAtMs: 1, seenAtMs: 1, expiresAtMs: 2 };
    expect([await ways.driver.create('a', record), await ways.driver.create('a', record)]).toEqual([true, false]);
  });

  testRecords(ways);
  testLists(ways);
});

/** An application whose tests choose the options of its sessions. */
function createApp(options: TestOptions & Partial<SessionOptions>): Express {
  const app = express();
  app.use(session({ saveUninitialized: false, cookie: { maxAge: hourMs }, ...options }) as express.RequestHandler);
  app.use(express.urlencoded());
  app.post('/login', (req, res) => {
    req.session.userId = req.body.name;
    res.redirect(303, '/profile');
  });
  app.post('/login/remember', (req, res) => {
    req.session.userId = req.body.name;
    req.session.cookie.maxAge = 3 * hourMs;
    res.send();
  });
  app.get('/profile', (req, res) => {
    res.status(req.session.userId ? 200 : 401).send(req.session.userId ?? 'nobody');
  });
  app.post('/again', (_req, res) => res.redirect(307, '/echo'));
  app.post('/echo', (req, res) => res.send(req.body.name));
  app.get('/round', (_req, res) => res.redirect('/round'));
  app.get('/cookies', (req, res) => {
    res.cookie('short', '1', { maxAge: minuteMs });
    res.cookie('shop', '2', { path: '/shop' });
    res.cookie('gone', '3').clearCookie('gone');
    res.send(req.headers.cookie ?? '');
  });
  app.get('/shop', (req, res) => res.send(req.headers.cookie ?? ''));
  app.get('/shopping', (req, res) => res.send(req.headers.cookie ?? ''));
  return app;
}

const form = (name: string): RequestInit => ({ method: 'POST', body: new URLSearchParams({ name }) });

describe('a test server', () => {
  let server: TestServer;
  const start = async (own: Partial<SessionOptions> = {}): Promise<TestServer> => {
    server = await startTestServer((options) => createApp({ ...own, ...options }));
    return server;
  };
  afterEach(() => server.close());

  test('each browser has its own session, and follows redirects', async () => {
    const { browser } = await start();
    const [ann, bob] = [browser(), browser()];
    const response = await ann('/login', form('ann'));
    expect([response.status, await response.text()]).toEqual([200, 'ann']);
    expect((await bob('/profile')).status).toBe(401);
    await bob('/login', form('bob'));
    expect(await (await ann('/profile')).text()).toBe('ann');
    expect(await (await bob('/profile')).text()).toBe('bob');
  });

  test('a session expires by the test’s clock', async () => {
    const { browser, clock } = await start();
    const ann = browser();
    await ann('/login', form('ann'));
    clock.advance(hourMs - minuteMs);
    expect((await ann('/profile')).status).toBe(200);
    clock.advance(2 * minuteMs);
    expect((await ann('/profile')).status).toBe(401);
  });

  test('a user can log in again after the session has expired', async () => {
    const { browser, clock } = await start();
    const ann = browser();
    await ann('/login', form('ann'));
    clock.advance(hourMs + minuteMs);
    expect((await ann('/profile')).status).toBe(401);
    expect((await ann('/login', form('ann'))).status).toBe(200);
    expect((await ann('/profile')).status).toBe(200);
  });

  test('a user can log in for the first time after the clock has moved', async () => {
    const { browser, clock } = await start();
    clock.advance(2 * hourMs);
    const ann = browser();
    await ann('/login', form('ann'));
    expect((await ann('/profile')).status).toBe(200);
  });

  test('with `rolling`, each request extends the cookie', async () => {
    const { browser, clock } = await start({ rolling: true });
    const ann = browser();
    await ann('/login', form('ann'));
    for (const _ of [1, 2, 3]) {
      clock.advance(2_000_000);
      expect((await ann('/profile')).status).toBe(200);
    }
    clock.advance(hourMs);
    expect((await ann('/profile')).status).toBe(401);
  });

  test('a lifetime that a handler chooses counts from the time of the clock', async () => {
    const { browser, clock } = await start();
    clock.advance(4 * hourMs);
    const ann = browser();
    await ann('/login/remember', form('ann'));
    clock.advance(3 * hourMs - minuteMs);
    expect((await ann('/profile')).status).toBe(200);
    clock.advance(minuteMs);
    expect((await ann('/profile')).status).toBe(401);
  });

  test('the test can read its store', async () => {
    const { browser, store } = await start();
    await browser()('/login', form('ann'));
    const owners: unknown[] = [];
    for await (const { owner } of store.list({})) owners.push(owner);
    expect(owners).toEqual(['ann']);
  });

  test('a redirect can be inspected, repeats the request for 307 and 308, and cannot loop forever', async () => {
    const ann = (await start()).browser();
    const response = await ann('/login', { ...form('ann'), redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([303, '/profile']);
    expect(await (await ann('/again', form('twice'))).text()).toBe('twice');
    await expect(ann('/round')).rejects.toThrow('/round redirects more than 20 times');
  });

  test('a cookie is sent only below its path, and until it expires', async () => {
    const { browser, clock } = await start();
    const ann = browser();
    await ann('/cookies');
    expect(await (await ann('/shop')).text()).toBe('short=1; shop=2');
    expect(await (await ann('/shopping')).text()).toBe('short=1');
    clock.advance(2 * minuteMs);
    expect(await (await ann('/shop')).text()).toBe('shop=2');
    expect(await (await ann('/shop', { headers: { Cookie: 'mine=1' } })).text()).toBe('mine=1');
  });

  test('the function that creates the application may be async', async () => {
    server = await startTestServer(async (options) => {
      await setTimeout(1);
      return createApp(options);
    });
    expect(await (await server.browser()('/login', form('ann'))).text()).toBe('ann');
  });

  test('a clock begins at the given time, and stands still', () => {
    const clock = createClock(1000);
    clock.advance(5);
    expect([clock.now(), clock.now()]).toEqual([1005, 1005]);
    return start();
  });
});

test.each([
  [undefined, 'undefined'],
  [{}, 'an object'],
  [null, 'null'],
])('a test server needs a request handler: %j is a TypeError', async (app, returned) => {
  const message = `must return a request handler, such as an Express application; it returned ${returned}`;
  for (const create of [() => app, async () => app]) {
    const started = startTestServer(create as never);
    await expect(started).rejects.toThrow(TypeError);
    await expect(started).rejects.toThrow(message);
  }
});

test.each([Number.NaN, -1, '1h'])('the clock refuses to advance by %j', (ms) => {
  expect(() => createClock().advance(ms as number)).toThrow(/^clock\.advance needs a number of milliseconds/);
});

test.each([[express()], [undefined]])(
  'startTestServer refuses %o, which does not create an application',
  async (create) => {
    await expect(startTestServer(create as never)).rejects.toThrow(/^startTestServer needs a function: /);
  },
);

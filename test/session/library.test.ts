import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express, { type RequestHandler } from 'express';
import expressSession from 'express-session';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { signId } from '../../src/session/cookie/signature.ts';
import defaultExport, * as library from '../../src/session/index.ts';
import { type Log, MemoryStore, type Middleware, type SessionOptions, session } from '../../src/session/index.ts';
import type { StoredRecord } from '../../src/stores/driver.ts';
import { embedded } from '../../src/stores/embedded/index.ts';
import { type HttpResponse, type RequestOptions, send } from '../support/http.ts';
import { dayMs, hourMs, minuteMs, secretOf } from './support.ts';

type Seen = IncomingMessage & Express.Request;
type Ask = (path: string, options?: RequestOptions) => Promise<HttpResponse>;

const secret = secretOf('a');
/** Options with which an empty session is not stored. */
const lazily = { secret, saveUninitialized: false };
const https = { 'X-Forwarded-Proto': 'https' };

/** The embedded store in a temporary directory of the test. */
function openStore(): ReturnType<typeof embedded> {
  const directory = mkdtempSync(join(tmpdir(), 'sessapp-library-'));
  const store = embedded({ directory: join(directory, 'data', 'sessions') });
  onTestFinished(async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });
  return store;
}

async function listen(listener: RequestListener): Promise<Ask> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return (path, options) => send(`http://127.0.0.1:${port}${path}`, options);
}

/** `/login` creates a session with an owner, `/note` an anonymous one, `/show` none, and `/out` destroys the session. */
function handle(req: Seen, res: ServerResponse): void {
  if (req.url === '/login') req.session.userId = 'ann';
  if (req.url === '/note') req.session.count = (req.session.count ?? 0) + 1;
  if (req.url === '/out') {
    req.session.destroy(() => res.end('out'));
    return;
  }
  res.end(JSON.stringify([req.session.userId ?? null, req.session.count ?? null]));
}

const chained =
  (middleware: Middleware): RequestListener =>
  (req, res) =>
    middleware(req, res, (error) => (error ? res.writeHead(500).end('next') : handle(req as Seen, res)));

interface Site {
  ask: Ask;
  records(): Promise<StoredRecord[]>;
  log: { level: keyof Log; message: string }[];
}

/** A node:http server with the middleware. */
async function start(options: Partial<SessionOptions> = {}): Promise<Site> {
  const store = openStore();
  const log: Site['log'] = [];
  const write = (level: keyof Log) => (_: object, message: string) => void log.push({ level, message });
  const middleware = session({ ...lazily, store, log: { warn: write('warn'), error: write('error') }, ...options });
  const records = async (): Promise<StoredRecord[]> => {
    const found: StoredRecord[] = [];
    for await (const record of store.list({})) found.push(record);
    return found;
  };
  return { ask: await listen(chained(middleware)), records, log };
}

const cookieOf = async ({ ask }: Site, headers: Record<string, string> = {}): Promise<string> =>
  String((await ask('/login', { headers })).headers['set-cookie'] ?? '');

describe('the middleware', () => {
  async function expectSessions(ask: Ask): Promise<void> {
    expect(await ask('/show')).toMatchObject({ status: 200, body: '[null,null]', cookie: '' });
    const { cookie, status } = await ask('/login');
    expect([status, cookie]).toEqual([200, expect.stringMatching(/^connect\.sid=s%3A/)]);
    expect(await ask('/note', { headers: { Cookie: cookie } })).toMatchObject({ body: '["ann",1]', cookie: '' });
    expect((await ask('/show', { headers: { Cookie: cookie } })).body).toBe('["ann",1]');
    expect((await ask('/out', { headers: { Cookie: cookie } })).body).toBe('out');
    expect((await ask('/show', { headers: { Cookie: cookie } })).body).toBe('[null,null]');
  }

  test('works over node:http alone', async () => {
    await expectSessions(await listen(chained(session({ ...lazily, store: openStore() }))));
  });

  test('works in a chain of middlewares as in Connect, and may be mounted twice', async () => {
    const middleware = session({ ...lazily, store: openStore() });
    const look: Middleware = (req, _, next) => next('session' in req ? undefined : new Error('no session'));
    const chain = [middleware, look, middleware];
    const ask = await listen((req, res) => {
      const run = (at: number): void => {
        const next = (error?: unknown): unknown => (error ? res.writeHead(500).end(String(error)) : run(at + 1));
        if (chain[at]) chain[at](req, res, next);
        else handle(req as Seen, res);
      };
      run(0);
    });
    await expectSessions(ask);
  });

  test('works in Express 5, for an application and for a router', async () => {
    const whole = express().use(session({ ...lazily, store: openStore() }) as RequestHandler, (req, res) =>
      handle(req, res),
    );
    await expectSessions(await listen(whole));
    const router = express.Router().use(session({ ...lazily, store: openStore() }) as RequestHandler);
    router.use((req, res) => handle(req, res));
    const ask = await listen(express().use('/of', router));
    await expectSessions((path, options) => ask(`/of${path}`, options));
  });

  test('works with any express-session store', async () => {
    const store = new MemoryStore();
    await expectSessions(await listen(chained(session({ ...lazily, store }))));
    await expectSessions(await listen(chained(session({ ...lazily, store: new expressSession.MemoryStore() }))));
  });

  test('sends a response only after the session is saved, and a 503 when the save fails', async () => {
    const store = new MemoryStore();
    vi.spyOn(store, 'set').mockImplementation((_, __, done) => setImmediate(() => done?.(new Error('disk full'))));
    const log = { warn: vi.fn(), error: vi.fn() };
    const ask = await listen(chained(session({ ...lazily, store, log })));
    expect(await ask('/login')).toMatchObject({ status: 503, cookie: '' });
    expect(log.error).toHaveBeenCalledOnce();
    expect((await ask('/show')).status).toBe(200);
  });

  test('gives an upgrade its session when the response is an empty object', async () => {
    const store = openStore();
    const middleware = session({ secret, store });
    const server = createServer(chained(middleware)).on('upgrade', (req, socket) => {
      middleware(req, {} as ServerResponse, (error) => {
        const said = error ? String(error) : ((req as Seen).session.userId ?? 'nobody');
        socket.end(`HTTP/1.1 400 No\r\nContent-Length: ${said.length}\r\nConnection: close\r\n\r\n${said}`);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const upgrade = (Cookie: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const headers = { Connection: 'Upgrade', Upgrade: 'websocket', Cookie };
        const sent = request({ port, host: '127.0.0.1', headers, agent: false }, (response) => {
          response
            .setEncoding('utf8')
            .toArray()
            .then((parts) => resolve(parts.join('')), reject);
        });
        sent.on('error', reject).end();
      });
    const { cookie } = await send(`http://127.0.0.1:${port}/login`);
    expect([await upgrade(cookie), await upgrade('connect.sid=x')]).toEqual(['ann', 'nobody']);
  });
});

describe('secret', () => {
  const [older, newer] = [secretOf('o'), secretOf('n')];

  test.each<[string, SessionOptions['secret']]>([
    ['a string', older],
    ['a list', [older]],
    ['a function', () => [older]],
  ])('may be %s', async (_, given) => {
    const { ask } = await start({ secret: given });
    const { cookie } = await ask('/login');
    expect((await ask('/show', { headers: { Cookie: cookie } })).body).toBe('["ann",null]');
  });

  test('the first of several secrets signs, all verify, and a cookie of an older secret is replaced', async () => {
    const store = openStore();
    const [before, after, last] = [[older], [newer, older], [newer]].map((each) => ({ secret: each, store }));
    const { cookie } = await (await start(before)).ask('/login');
    const rotated = await (await start(after)).ask('/show', { headers: { Cookie: cookie } });
    expect(rotated.body).toBe('["ann",null]');
    expect(rotated.cookie).toMatch(/^connect\.sid=/);
    expect(rotated.cookie).not.toBe(cookie);
    const { ask } = await start(last);
    expect((await ask('/show', { headers: { Cookie: cookie } })).body).toBe('[null,null]');
    expect(await ask('/show', { headers: { Cookie: rotated.cookie } })).toMatchObject({
      body: '["ann",null]',
      cookie: '',
    });
  });

  test('a function is called for each request', async () => {
    let secrets = [older];
    const { ask } = await start({ secret: () => secrets });
    const { cookie } = await ask('/login');
    secrets = [newer, older];
    const rotated = await ask('/show', { headers: { Cookie: cookie } });
    expect([rotated.body, rotated.cookie !== '' && rotated.cookie !== cookie]).toEqual(['["ann",null]', true]);
    secrets = [newer];
    expect((await ask('/show', { headers: { Cookie: cookie } })).body).toBe('[null,null]');
  });

  const addSecret = /may be guessed\. Put a new one before it, .*: secret: \[newSecret, oldSecret\]\. /;
  const removeSecret = /may be guessed\. Remove this secret when the longest session has expired$/;

  test.each<[SessionOptions['secret'], warnings: RegExp[]]>([
    ['keyboard cat', [addSecret]],
    [['keyboard cat', newer], [addSecret]],
    [[newer, 'keyboard cat', 'secret'], [removeSecret]],
    [Buffer.from('keyboard cat'), [addSecret]],
    [newer, []],
  ])('a weak secret logs a warning once: %j', async (given, warnings) => {
    const log = { warn: vi.fn(), error: vi.fn() };
    const ask = await listen(chained(session({ secret: given, store: new MemoryStore(), log })));
    expect((await ask('/login')).status).toBe(200);
    const logged = log.warn.mock.calls.filter(([, message]) => /secret/.test(message)).map(([, message]) => message);
    expect(logged).toEqual(warnings.map((warning) => expect.stringMatching(warning)));
    expect(JSON.stringify(log.warn.mock.calls)).not.toContain('cat');
  });

  test.each([[], ['']].map((given) => [given]))('%j causes a TypeError that describes a valid secret', (given) => {
    const options = { secret: given, store: new MemoryStore() };
    expect(() => session(options)).toThrow(TypeError);
    expect(() => session(options)).toThrow(/needs a secret: 32 random bytes/);
  });

  test.each([
    [42, 'a number'],
    [{ length: 3 }, 'an object'],
    [true, 'a boolean'],
    [[newer, undefined], 'undefined \\(is the environment variable set\\?\\)'],
    [[[newer]], 'an array'],
    [Promise.resolve(newer), 'a promise'],
  ])('%j causes a TypeError that says what the option may be', (given, kind) => {
    const options = { secret: given as never, store: new MemoryStore() };
    expect(() => session(options)).toThrow(TypeError);
    expect(() => session(options)).toThrow(
      new RegExp(`^secret option must be a string, a Buffer or a KeyObject, an array .* it is or contains ${kind}$`),
    );
  });

  test.each<[string, unknown, expected: string]>([
    ['a string', newer, 'secret option: the function must return an array, newest first: .*; it returned a string'],
    ['a promise', Promise.resolve([newer]), 'secret option: the function must return an array, .* a promise'],
    ['an empty array', [], 'secret option array must contain one or more strings'],
    ['an array of numbers', [42], 'secret option must be a string, .* it is or contains a number'],
  ])(
    'with a function that returns %s each request fails, and the log says what it must return',
    async (_, given, expected) => {
      const log = { warn: vi.fn(), error: vi.fn() };
      const ask = await listen(
        chained(session({ ...lazily, secret: () => given as never, store: new MemoryStore(), log })),
      );
      for (const attempt of [1, 2]) {
        expect(await ask('/login')).toMatchObject({ status: 500, cookie: '' });
        expect(log.error).toHaveBeenCalledTimes(attempt);
        const [{ err }] = log.error.mock.lastCall as [{ err: unknown }];
        expect(err).toBeInstanceOf(TypeError);
        expect(String(err)).toMatch(new RegExp(expected));
      }
    },
  );

  test('a function may return empty secrets beside a secret: they verify no cookie', async () => {
    const site = await start({ secret: () => [older, ''] });
    const { cookie } = await site.ask('/login');
    expect((await site.ask('/show', { headers: { Cookie: cookie } })).body).toBe('["ann",null]');
    const id =
      decodeURIComponent(cookie.slice('connect.sid='.length).split(';')[0] ?? '')
        .slice(2)
        .split('.')[0] ?? '';
    const forged = `connect.sid=${encodeURIComponent(signId(id, { id: '', secret: '' }))}`;
    expect((await site.ask('/show', { headers: { Cookie: forged } })).body).toBe('[null,null]');
  });

  test.each([undefined, '', null, 0])('%j logs a warning at the start, and each request fails', async (given) => {
    const log = { warn: vi.fn(), error: vi.fn() };
    const options = { secret: given, store: new MemoryStore(), log } as object as SessionOptions;
    const ask = await listen(chained(session(options)));
    expect(log.warn.mock.calls.flat()).toContainEqual(
      expect.stringMatching(
        /^the option secret is undefined or empty \(is the environment variable set\?\): .*no secret.*Set the option secret to 32 random bytes/,
      ),
    );
    expect(await ask('/login')).toMatchObject({ status: 500, body: 'next', cookie: '' });
  });
});

describe('the cookie', () => {
  test('without options is like the cookie of express-session: it expires with the browser', async () => {
    expect(await cookieOf(await start())).toMatch(/^connect\.sid=s%3A[\w-]{43}\.[^;]+; Path=\/; HttpOnly$/);
  });

  test.each<[string, Partial<SessionOptions>, expected: RegExp]>([
    ['name', { name: 'shop' }, /^shop=s%3A/],
    ['domain', { cookie: { domain: 'shop.example' } }, /; Domain=shop\.example;/],
    ['httpOnly: false', { cookie: { httpOnly: false } }, /^(?!.*HttpOnly)/],
    ['sameSite: lax', { cookie: { sameSite: 'lax' } }, /; SameSite=Lax$/],
    ['sameSite: strict', { cookie: { sameSite: 'strict' } }, /; SameSite=Strict$/],
    ['sameSite: none', { cookie: { sameSite: 'none' } }, /; SameSite=None$/],
    ['sameSite: true', { cookie: { sameSite: true } }, /; SameSite=Strict$/],
    ['sameSite: false', { cookie: { sameSite: false } }, /^(?!.*SameSite)/],
    ['partitioned', { cookie: { partitioned: true } }, /; Partitioned$/],
    ['priority', { cookie: { priority: 'high' } }, /; Priority=High$/],
    ['secure: false', { cookie: { secure: false } }, /^(?!.*Secure)/],
  ])('has the attributes of %s, and identifies the session in the next request', async (_, options, expected) => {
    const site = await start(options);
    const line = await cookieOf(site);
    expect(line).toMatch(expected);
    const Cookie = line.split(';')[0] ?? '';
    expect((await site.ask('/show', { headers: { Cookie } })).body).toBe('["ann",null]');
  });

  test('with another name belongs to no session', async () => {
    const { ask } = await start({ name: 'shop' });
    const { cookie } = await ask('/login');
    const renamed = cookie.replace('shop=', 'connect.sid=');
    expect((await ask('/show', { headers: { Cookie: renamed } })).body).toBe('[null,null]');
  });
});

describe('secure', () => {
  test('true: over plain HTTP no session is created, and the log says why', async () => {
    const site = await start({ cookie: { secure: true } });
    expect(await site.ask('/login', { headers: https })).toMatchObject({ status: 200, cookie: '' });
    expect(await site.records()).toEqual([]);
    expect(site.log).toMatchObject([{ level: 'error', message: expect.stringMatching(/HTTPS/) }]);
  });

  test('true: with `proxy`, a session is created when the proxy uses HTTPS', async () => {
    const site = await start({ cookie: { secure: true }, proxy: true });
    expect(await cookieOf(site, https)).toMatch(/; Secure$/);
    expect(await cookieOf(site, { 'X-Forwarded-Proto': 'HTTPS, http' })).toMatch(/; Secure$/);
    expect(await cookieOf(site, { 'X-Forwarded-Proto': 'http, https' })).toBe('');
    expect(await cookieOf(site)).toBe('');
  });

  test('auto: the cookie is secure if the connection is', async () => {
    const site = await start({ cookie: { secure: 'auto' }, proxy: true });
    expect(await cookieOf(site, https)).toMatch(/; Secure$/);
    expect(await cookieOf(site)).toMatch(/^connect\.sid=(?!.*Secure)/);
  });

  test.each<[boolean | undefined, trusted: number, isBelieved: boolean]>([
    [undefined, 0, false],
    [undefined, 1, true],
    [true, 0, true],
    [true, 1, true],
    [false, 0, false],
    [false, 1, false],
  ])('proxy: %s, in Express with trust proxy %i: the proxy is trusted: %s', async (proxy, trusted, isBelieved) => {
    const options = { secret, store: openStore(), cookie: { secure: true }, ...(proxy !== undefined && { proxy }) };
    const app = express().set('trust proxy', trusted);
    const log = { warn: () => undefined, error: () => undefined };
    app.use(session({ ...options, log }) as RequestHandler, (req, res) => handle(req, res));
    const { cookie } = await (await listen(app))('/login', { headers: https });
    expect(cookie !== '').toBe(isBelieved);
  });
});

describe('the lifetime', () => {
  const idleMsOf = async ({ ask, records }: Site, path: string): Promise<number> => {
    await ask(path);
    const [record] = await records();
    return record ? record.expiresAtMs - record.seenAtMs : 0;
  };

  test.each(['/login', '/note'])(
    'of a session is a day since its last use, also without an owner (%s)',
    async (path) => {
      expect(await idleMsOf(await start(), path)).toBe(dayMs);
    },
  );

  test.each<[string, Partial<SessionOptions>, ofUser: number, ofNobody: number]>([
    ['maxAge', { cookie: { maxAge: hourMs } }, hourMs, hourMs],
    ['limits', { limits: { idleMs: 2 * hourMs, anonymousIdleMs: minuteMs } }, 2 * hourMs, minuteMs],
    ['maxAge and limits', { cookie: { maxAge: hourMs }, limits: { anonymousIdleMs: minuteMs } }, hourMs, minuteMs],
    ['absoluteMs', { limits: { absoluteMs: 5 * minuteMs } }, 5 * minuteMs, 5 * minuteMs],
  ])('follows %s', async (_, options, ofUser, ofNobody) => {
    expect(await idleMsOf(await start(options), '/login')).toBe(ofUser);
    expect(await idleMsOf(await start(options), '/note')).toBe(ofNobody);
  });

  test('ends the session when it has passed', async () => {
    let nowMs = Date.now();
    const { ask } = await start({ cookie: { maxAge: minuteMs }, now: () => nowMs });
    const { cookie } = await ask('/login');
    expect((await ask('/show', { headers: { Cookie: cookie } })).body).toBe('["ann",null]');
    nowMs += minuteMs;
    expect((await ask('/show', { headers: { Cookie: cookie } })).body).toBe('[null,null]');
  });
});

test('the limits for size and owners take effect', async () => {
  const site = await start({ limits: { refuseBytes: 20, warnBytes: 10, ownerKeys: ['count'] } });
  const { cookie } = await site.ask('/note');
  expect(await site.records()).toMatchObject([{ data: '{"count":1}', owner: '1' }]);
  expect((await site.ask('/login', { headers: { Cookie: cookie } })).status).toBe(500);
  expect(site.log.map(({ level }) => level)).toEqual(['warn', 'error']);
});

test.each(['idleMs', 'absoluteMs', 'refuseBytes', 'ownerKeys'])(
  'limits.%s is the default when it is undefined',
  async (name) => {
    const { ask } = await start({ limits: { [name]: undefined } });
    const { cookie } = await ask('/login');
    expect((await ask('/show', { headers: { Cookie: cookie } })).body).toBe('["ann",null]');
  },
);

test.each([
  [{ idleMs: Number.POSITIVE_INFINITY }, /limits\.idleMs must be a number of milliseconds above 0/],
  [{ absoluteMs: '1h' }, /limits\.absoluteMs must be/],
  [{ idleMs: null }, /limits\.idleMs must be/],
  [{ refuseBytes: 0 }, /limits\.refuseBytes must be a number of bytes above 0/],
  [{ ownerKeys: 'userId' }, /limits\.ownerKeys must be an array/],
  [{ idleMS: 5 }, /limits\.idleMS is not a valid limit; use one of: idleMs, /],
])('limits %j throws at the start', (limits, message) => {
  expect(() => session({ secret, store: new MemoryStore(), limits: limits as never })).toThrow(message);
});

test.each([null, false, 0, ''])(
  'an option with the value %j counts as missing, as with express-session',
  async (empty) => {
    const names = ['genid', 'unset', 'cookie', 'name', 'key', 'adopt', 'log', 'now'];
    const options = Object.fromEntries(names.map((name) => [name, empty])) as unknown as Partial<SessionOptions>;
    const ask = await listen(chained(session({ secret, ...options, store: openStore() })));
    const { cookie } = await ask('/login');
    expect(cookie).toMatch(/^connect\.sid=/);
    expect(
      (await ask('/show', { headers: { Cookie: `"${cookie}"`.replace('"connect.sid=', 'connect.sid="') } })).body,
    ).toBe('["ann",null]');
  },
);

test('a cross-site request is handled: refusing it is up to the application', async () => {
  const { ask } = await start();
  const { cookie } = await ask('/login');
  const headers = { Cookie: cookie, Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
  expect(await ask('/note', { method: 'POST', headers })).toMatchObject({ status: 200, body: '["ann",1]' });
});

test('without a log, warnings and errors go to stderr', async () => {
  const error = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  onTestFinished(() => error.mockRestore());
  const store = openStore();
  const ask = await listen(chained(session({ secret, store, cookie: { secure: true } })));
  await ask('/login');
  expect(error.mock.calls).toEqual([[expect.stringMatching(/^sessapp: a session cookie was not set: .*HTTPS/)]]);
});

test('the module exports the classes of express-session', () => {
  expect(defaultExport).toBe(session);
  const names = ['Cookie', 'MemoryStore', 'Session', 'Store'] as const;
  for (const name of names) expect([library[name], session[name]], name).toEqual(Array(2).fill(expressSession[name]));
});

test('its types have the names of @types/express-session, and its functions accept an Express request', async () => {
  class OwnStore extends session.MemoryStore {}
  const store: session.Store = new OwnStore();
  const genid = (req: express.Request): string => `for ${req.path}`;
  const cookie = (req: express.Request): session.CookieOptions => ({ path: req.path });
  const unset = { limits: undefined, log: undefined, now: undefined, adopt: undefined };
  const options: session.SessionOptions = { ...unset, secret, store, genid, cookie };
  const app = express().use(session(options), (req, res) => void res.send(req.sessionID));
  expect(await (await listen(app))('/page')).toMatchObject({
    body: 'for /page',
    headers: { 'set-cookie': [expect.stringContaining('; Path=/page;')] },
  });
});

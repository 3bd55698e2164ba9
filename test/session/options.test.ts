import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, symlinkSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import cookieParser from 'cookie-parser';
import expressSession from 'express-session';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Cookie, type SessionOptions, session } from '../../src/session/index.ts';
import { memory } from '../../src/testing/memory.ts';
import { repository } from '../support/sandbox.ts';
import { count, listen, type Middleware, secret } from './compatibility-support.ts';
import { change, hourMs, minuteMs, secretOf } from './support.ts';

test('a retired secret gives no access to a session, even if cookie-parser still uses it', async () => {
  const store = new expressSession.MemoryStore();
  const [retired, current] = [secretOf('r'), secretOf('c')];
  const options = { store, saveUninitialized: false };
  const { cookie } = await (await listen(count, session({ ...options, secret: retired }) as Middleware))();
  const parser = cookieParser(retired) as Middleware;
  const rotated = await listen(count, parser, session({ ...options, secret: [current, retired] }) as Middleware);
  expect((await rotated('/', cookie)).body).toBe('2');
  const ask = await listen(count, parser, session({ ...options, secret: current }) as Middleware);
  expect((await ask('/', cookie)).body).toBe('1');
});

test.each([
  ['by itself', [], tmpdir()],
  ['by a program in node_modules', [join('node_modules', 'runner', 'run.cjs')], undefined],
])(
  'without a store, sessions are in data/sessions next to the application’s package.json, when started %s',
  async (_, runner, cwd) => {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'sessapp-options-')));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    for (const name of ['src', join('node_modules', 'runner')]) mkdirSync(join(directory, name), { recursive: true });
    symlinkSync(repository, join(directory, 'node_modules', 'sessapp'));
    for (const name of ['.', join('node_modules', 'runner')])
      await writeFile(join(directory, name, 'package.json'), '{}');
    await writeFile(join(directory, 'node_modules', 'runner', 'run.cjs'), 'require(process.argv[2]);');
    const main = join(directory, 'src', 'main.cjs');
    await writeFile(
      main,
      `const http = require('node:http');
    const use = require('sessapp/session')({ secret: '${secret}' });
    const server = http.createServer((req, res) => use(req, res, () => res.end(String((req.session.n = 1)))));
    server.listen(0, '127.0.0.1', async () => {
      const response = await fetch('http://127.0.0.1:' + server.address().port);
      console.log(response.status, await response.text());
      process.exit();
    });`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [...runner, main], { cwd: cwd ?? directory });
    expect(stdout).toBe('200 1\n');
    expect((await readdir(join(directory, 'data', 'sessions'))).sort()).toEqual(['data.mdb', 'lock.mdb']);
  },
);

const tokenMessage = "must be a string of letters, digits and the characters !#$%&'*+-.^_`|~";
const maxAgeMessage = 'cookie.maxAge option must be a number of milliseconds, or null: until the browser closes';
const expiresMessage = 'cookie.expires option must be a Date, or null: until the browser closes';
const sameSiteMessage = "cookie.sameSite option must be true, false, 'lax', 'strict', 'none' or 'auto'";

const secureMessage = "cookie.secure option must be true, false or 'auto'";

const badCookies: [object, message: string][] = [
  [{ sameSite: 'foo' }, sameSiteMessage],
  [{ sameSite: 'Auto' }, sameSiteMessage],
  [{ sameSite: 1 }, sameSiteMessage],
  [{ secure: 'true' }, secureMessage],
  [{ secure: 'false' }, secureMessage],
  [{ maxAge: '1d' }, maxAgeMessage],
  [{ maxAge: '60000', expires: null }, maxAgeMessage],
  [{ maxAge: Number.NaN }, maxAgeMessage],
  [{ maxAge: Number.POSITIVE_INFINITY }, maxAgeMessage],
  [{ expires: '2099-01-01' }, expiresMessage],
];

test.each<[object, message: string]>([
  ...badCookies.map(([cookie, message]): [object, string] => [{ cookie }, message]),
  [{ cookie: true }, 'cookie option must be an object with attributes, or a function that returns one'],
  [{ name: 'a b' }, `name option ${tokenMessage}`],
  [{ name: 'a=b', key: 'sid' }, `name option ${tokenMessage}`],
  [{ name: 42 }, `name option ${tokenMessage}`],
  [{ name: '', key: 'sid;' }, `key option ${tokenMessage}`],
  ...[-1, '10m', Number.NaN].map((moveAfterMs): [object, string] => [
    { adopt: { store: new expressSession.MemoryStore(), moveAfterMs } },
    'adopt.moveAfterMs option must be a number of milliseconds, or Infinity: sessions never move',
  ]),
  [
    { adopt: { store: new expressSession.MemoryStore(), moveAfter: 5 } },
    'adopt.moveAfter option does not exist: adopt is a store, or { store, moveAfterMs }',
  ],
  ...[() => undefined, { warn: () => undefined }, 'stderr'].map((log): [object, string] => [
    { log },
    'log option must be an object with the functions warn and error, such as console',
  ]),
  [{ now: 3 }, 'now option must be a function that returns the time in milliseconds since 1970'],
])('%o causes a TypeError that says what is allowed', (options, message) => {
  const log = { warn: () => undefined, error: () => undefined };
  for (const given of [secret, undefined]) {
    const all = { secret: given as never, store: new expressSession.MemoryStore(), log, ...options };
    expect(() => session(all)).toThrow(new TypeError(message));
  }
});

test.each<[unknown, message: string]>([
  ...badCookies,
  [undefined, 'cookie option must be an object with attributes, or a function that returns one'],
])(
  'when a function for the cookie returns %o, the request fails, and the log says what is allowed',
  async (cookie, message) => {
    const log = { warn: vi.fn(), error: vi.fn() };
    const options = { secret, store: new expressSession.MemoryStore(), log, cookie: () => cookie as never };
    const ask = await listen(count, session(options) as Middleware);
    expect((await ask()).status).toBe(500);
    expect(log.error.mock.calls).toEqual([[{ err: new TypeError(message) }, expect.any(String)]]);
  },
);

test.each<object>([
  ...['lax', 'Strict', 'NONE', true, false, null, undefined, ''].map((sameSite) => ({ cookie: { sameSite } })),
  ...[60_000, new Date(Date.now() + 60_000), null, undefined, false, ''].flatMap((lifetime) => [
    { cookie: { maxAge: lifetime } },
    { cookie: { expires: lifetime } },
  ]),
  { cookie: { expires: '2099-01-01', maxAge: 60_000 } },
  { cookie: null },
  ...["!#$%&'*+-.^_`|~", '__Host-sid', ''].map((name) => ({ name })),
  { key: 'sid' },
])('%o works as with express-session', async (options) => {
  const attributesOf = async (create: typeof session): Promise<string[]> => {
    const given = {
      secret,
      store: new expressSession.MemoryStore(),
      resave: false,
      saveUninitialized: true,
      ...options,
    };
    const response = await (await listen(count, create(given as object as SessionOptions) as Middleware))();
    const [line = ''] = response.headers['set-cookie'] ?? [];
    return [
      String(response.status),
      ...line
        .replace(/=s%3A[^;]*/, '')
        .replace(/Expires=.*? GMT/, 'Expires')
        .split('; '),
    ];
  };
  const ours = await attributesOf(session);
  expect(ours.length).toBeGreaterThan(2);
  expect(ours).toEqual(await attributesOf(expressSession as never));
});

test.each([true, 'auto'])(
  'sameSite: %j is accepted in a cookie object and from a cookie function',
  async (sameSite) => {
    for (const cookie of [{ sameSite }, () => ({ sameSite })]) {
      const options = { secret, store: new expressSession.MemoryStore(), cookie: cookie as never };
      expect(await (await listen(count, session(options) as Middleware))()).toMatchObject({ status: 200, body: '1' });
    }
  },
);

const createLog = () => ({ warn: vi.fn(), error: vi.fn() });
const messagesOf = (log: ReturnType<typeof createLog>): string[] => log.warn.mock.calls.map(([, message]) => message);

test.each<[object, string | undefined]>([
  [{ saveUninitialised: false }, 'saveUninitialised'],
  [{ maxAge: 1000 }, 'maxAge'],
  [{ adopts: new expressSession.MemoryStore() }, 'adopts'],
  [{ cookie: { maxage: 1000 } }, 'cookie.maxage'],
  [{ cookie: { samesite: 'lax' } }, 'cookie.samesite'],
  [{ cookie: { partitioned: true, priority: 'low', domain: 'example.com', signed: true } }, undefined],
  [{ resave: false, rolling: true, proxy: true, unset: 'keep', genid: () => 'id', key: 'sid' }, undefined],
])('%o: an option that does not exist is logged', (options, name) => {
  const log = createLog();
  session({ secret, store: new expressSession.MemoryStore(), log, ...options });
  const unknown = messagesOf(log).filter((message) => message.includes('does not exist'));
  expect(unknown).toEqual(
    name === undefined ? [] : [expect.stringContaining(`session() ignores the option ${name}, which does not exist.`)],
  );
});

test.each<[object, boolean]>([
  [{ sameSite: 'none' }, true],
  [{ sameSite: 'None', secure: false }, true],
  [{ sameSite: 'none', secure: true }, false],
  [{ sameSite: 'none', secure: 'auto' }, false],
  [{ sameSite: 'lax' }, false],
])('%o: a cookie that browsers refuse is logged: %s', (cookie, isLogged) => {
  const log = createLog();
  session({ secret, store: new expressSession.MemoryStore(), log, cookie });
  expect(messagesOf(log).some((message) => message.startsWith('browsers refuse the session cookie'))).toBe(isLogged);
});

test.each([
  [{}, 1],
  [{ proxy: false }, 0],
  [{ proxy: true }, 0],
])('with secure: "auto" and %o, a proxy that is not trusted is logged once', async (options, times) => {
  const log = createLog();
  const all = { secret, store: new expressSession.MemoryStore(), log, cookie: { secure: 'auto' as const }, ...options };
  const ask = await listen(count, session(all) as Middleware);
  for (let n = 0; n < 2; n += 1) await ask('/', '', { headers: { 'X-Forwarded-Proto': 'https' } });
  await ask('/');
  expect(messagesOf(log).filter((message) => message.includes("app.set('trust proxy', 1)"))).toHaveLength(times);
});

test('a second middleware for one request does nothing, and logs so once', async () => {
  const log = createLog();
  const create = (name: string) =>
    session({ secret, name, store: new expressSession.MemoryStore(), log }) as Middleware;
  const ask = await listen(count, create('one'), create('two'));
  for (let n = 0; n < 2; n += 1) expect((await ask('/')).headers['set-cookie']).toHaveLength(1);
  expect(messagesOf(log).filter((message) => message.includes('already had a session'))).toHaveLength(1);
});

test.each(['a secret', 42])('session refuses %j in place of its options', (given) => {
  expect(() => session(given as never)).toThrow(
    /^session\(\) needs an object with options: .*; it got a (string|number)$/,
  );
});

test('session itself is not a middleware', () => {
  const call = session as unknown as (...args: unknown[]) => unknown;
  expect(() => call({}, {}, () => undefined)).toThrow(/^session\(\) creates the middleware.*app\.use\(session\(/);
});

const startMs = Date.UTC(2040, 0, 1);

test.each<[string, cookie: SessionOptions['cookie'], change: (session: Express.Request['session']) => void]>([
  ['the option maxAge', { maxAge: hourMs }, () => undefined],
  ['the option expires', { expires: new Date(startMs + hourMs) }, () => undefined],
  ['the function cookie', () => ({ expires: new Date(startMs + hourMs) }), () => undefined],
  ['maxAge of a handler', {}, ({ cookie }) => Object.assign(cookie, { maxAge: hourMs })],
  ['expires of a handler', {}, ({ cookie }) => Object.assign(cookie, { expires: new Date(startMs + hourMs) })],
  ['touch', { maxAge: hourMs }, (own) => void own.touch()],
  ['resetMaxAge', { maxAge: hourMs }, (own) => void own.resetMaxAge()],
])('the cookie follows the option `now`: %s', async (_, cookie, apply) => {
  let read: unknown;
  const ask = await listen(
    (req, res) => {
      apply(req.session);
      Object.assign(req.session, { userId: 'ann' });
      const { expires, maxAge, originalMaxAge } = req.session.cookie;
      read = [Number(expires), maxAge, originalMaxAge];
      res.end();
    },
    session({ secret, store: memory(), cookie, now: () => startMs }) as Middleware,
  );
  const { headers } = await ask('/');
  expect(String(headers['set-cookie'])).toContain('Expires=Sun, 01 Jan 2040 01:00:00 GMT');
  expect(read).toEqual([startMs + hourMs, hourMs, hourMs]);
});

test('with the option `now`, req.session.cookie is a Cookie that refuses a maxAge of a wrong type', async () => {
  const ask = await listen(
    (req, res) => {
      expect(req.session.cookie).toBeInstanceOf(Cookie);
      expect(() => Object.assign(req.session.cookie, { maxAge: '1' })).toThrow('maxAge must be a number or Date');
      res.end('checked');
    },
    session({ secret, store: memory(), now: () => startMs }) as Middleware,
  );
  expect((await ask('/')).body).toBe('checked');
});

test('a session in an express-session store expires by the option `now`', async () => {
  let nowMs = Date.now();
  const options = { secret, store: new expressSession.MemoryStore(), cookie: { maxAge: hourMs }, now: () => nowMs };
  const ask = await listen(count, session(options) as Middleware);
  const { cookie } = await ask('/');
  expect((await ask('/', cookie)).body).toBe('2');
  nowMs += hourMs;
  expect((await ask('/', cookie)).body).toBe('1');
});

test('without the option `now`, sessions follow a Date that a test replaces later, as their cookies do', async () => {
  const options = { secret, store: memory(), cookie: { maxAge: hourMs } };
  const ask = await listen(count, session(options) as Middleware);
  const { cookie } = await ask('/');
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  vi.setSystemTime(Date.now() + hourMs);
  expect((await ask('/', cookie)).body).toBe('1');
});

test('expired sessions are deleted by the option `now`', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const prunedMs: number[] = [];
  const store = change(memory(), {
    prune: async (nowMs) => {
      prunedMs.push(nowMs);
      return 0;
    },
  });
  session({ secret, store, now: () => startMs });
  await vi.advanceTimersByTimeAsync(2 * minuteMs);
  expect(new Set(prunedMs)).toEqual(new Set([startMs]));
});

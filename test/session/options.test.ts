import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, symlinkSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import cookieParser from 'cookie-parser';
import expressSession from 'express-session';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type SessionOptions, session } from '../../src/session/index.ts';
import { type Answer, type RequestOptions, send } from '../support/http.ts';
import { repository } from '../support/sandbox.ts';
import { hourMs, secretOf } from './support.ts';

type Seen = IncomingMessage & Express.Request;
type Handler = (req: Seen, res: ServerResponse) => void;
type Middleware = (req: never, res: never, next: (error?: unknown) => void) => void;
type Ask = (path?: string, cookie?: string, options?: RequestOptions) => Promise<Answer>;

const secret = secretOf('a');
const https = { headers: { 'X-Forwarded-Proto': 'https' } };

async function listen(handle: Handler, ...middlewares: Middleware[]): Promise<Ask> {
  const server = createServer((req, res) => {
    const run = (at: number): void => {
      const middleware = middlewares[at];
      if (middleware) middleware(req as never, res as never, () => run(at + 1));
      else handle(req as Seen, res);
    };
    run(0);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return (path = '/', cookie = '', { headers, ...options } = {}) =>
    send(`http://127.0.0.1:${port}${path}`, { ...options, headers: { ...(cookie && { Cookie: cookie }), ...headers } });
}

const lineOf = ({ headers }: Answer): string => String(headers['set-cookie'] ?? '');
/** Whether the cookie ends in an hour. It says so to the second. */
const isInAnHour = (line: string): boolean => {
  const [, expires = ''] = /; Expires=([^;]+)/.exec(line) ?? [];
  return Math.abs(Date.parse(expires) - Date.now() - hourMs) < 5000;
};

const nothing: Handler = (_, res) => res.end('nothing');
const count: Handler = ({ session: found }, res) => {
  found.count = (found.count ?? 0) + 1;
  res.end(String(found.count));
};
/** Changes the session on `/` alone. */
const look: Handler = (req, res) => (req.url === '/' ? count(req, res) : res.end(String(req.session.count ?? 0)));

// What express-session documents, asked of both libraries, so that a difference is seen as one.
describe.each<[string, (options: SessionOptions) => Middleware]>([
  ['express-session', (options) => expressSession({ resave: false, ...options } as expressSession.SessionOptions)],
  ['sessapp/session', (options) => session(options) as Middleware],
])('the options of %s', (_, create) => {
  const start = (options: Partial<SessionOptions>, handle = count, ...before: Middleware[]): Promise<Ask> => {
    const store = new expressSession.MemoryStore();
    return listen(handle, ...before, create({ secret, store, saveUninitialized: false, ...options }));
  };

  test('name and key: the cookie has this name, and connect.sid without them', async () => {
    expect((await (await start({}))()).cookie).toMatch(/^connect\.sid=/);
    for (const options of [{ name: 'shop' }, { key: 'shop' }]) {
      const ask = await start(options);
      const { cookie } = await ask();
      expect(cookie).toMatch(/^shop=/);
      expect((await ask('/', cookie)).body).toBe('2');
    }
  });

  test('secret: a Buffer signs as text does', async () => {
    const ask = await start({ secret: Buffer.from(secret) });
    expect((await ask('/', (await ask()).cookie)).body).toBe('2');
  });

  test('saveUninitialized: an empty session is stored and gets a cookie, or does not', async () => {
    expect(lineOf(await (await start({ saveUninitialized: false }, nothing))())).toBe('');
    const ask = await start({ saveUninitialized: true }, look);
    const { cookie } = await ask('/look');
    expect(cookie).toMatch(/^connect\.sid=/);
    expect(lineOf(await ask('/look', cookie))).toBe('');
    expect(lineOf(await ask('/', cookie))).toBe('');
  });

  test('cookie: without maxAge and expires it ends with the browser, and is sent once', async () => {
    const ask = await start({});
    const first = await ask();
    expect(lineOf(first)).toMatch(/; Path=\/; HttpOnly$/);
    expect(lineOf(await ask('/', first.cookie))).toBe('');
  });

  test('cookie: with maxAge it has an end, which each change of the session moves', async () => {
    const ask = await start({ cookie: { maxAge: hourMs } }, look);
    const first = await ask();
    expect(isInAnHour(lineOf(first))).toBe(true);
    expect(isInAnHour(lineOf(await ask('/', first.cookie)))).toBe(true);
    expect(lineOf(await ask('/look', first.cookie))).toBe('');
  });

  test('cookie: with expires it has that end', async () => {
    const expires = new Date(Date.now() + hourMs);
    expect(isInAnHour(lineOf(await (await start({ cookie: { expires } }))()))).toBe(true);
  });

  test('cookie: it may be a function of the request', async () => {
    const cookie = ({ url = '' }: IncomingMessage): object => ({ path: url.startsWith('/shop') ? '/shop' : '/' });
    const ask = await start({ cookie });
    expect(lineOf(await ask('/shop/1'))).toMatch(/; Path=\/shop;/);
    expect(lineOf(await ask())).toMatch(/; Path=\/;/);
  });

  test('cookie: outside its path a request has no session', async () => {
    const ask = await start({ cookie: { path: '/shop' } }, (req, res) => {
      if (req.session) count(req, res);
      else res.end('no session');
    });
    const { cookie, body } = await ask('/shop/cart');
    expect(body).toBe('1');
    expect((await ask('/shop', cookie)).body).toBe('2');
    expect(await ask('/about', cookie)).toMatchObject({ body: 'no session', cookie: '' });
  });

  test.each([
    ['auto', https, 'None'],
    ['auto', {}, 'Lax'],
    ['strict', {}, 'Strict'],
    [true, {}, 'Strict'],
  ] as const)('cookie: sameSite %j with %j is %s', async (sameSite, options, expected) => {
    const ask = await start({ cookie: { sameSite }, proxy: true });
    expect(lineOf(await ask('/', '', options))).toContain(`; SameSite=${expected}`);
  });

  test('cookie: what a handler sets in req.session.cookie is sent', async () => {
    const ask = await start({ cookie: { secure: true } }, (req, res) => {
      Object.assign(req.session.cookie, { secure: false, httpOnly: false, path: '/shop', priority: 'high' });
      req.session.cookie.maxAge = hourMs;
      count(req, res);
    });
    const line = lineOf(await ask());
    expect(line).toMatch(/; Path=\/shop; Expires=[^;]+; Priority=High$/);
    expect(isInAnHour(line)).toBe(true);
  });

  test('cookie: one that a handler makes secure is not sent over plain HTTP', async () => {
    const ask = await start({}, (req, res) => {
      req.session.cookie.secure = true;
      count(req, res);
    });
    expect(lineOf(await ask())).toBe('');
  });

  test('rolling: each response sets the cookie', async () => {
    const ask = await start({ rolling: true, cookie: { maxAge: hourMs } }, look);
    const { cookie } = await ask();
    const again = await ask('/look', cookie);
    expect(isInAnHour(lineOf(again))).toBe(true);
    expect(again.cookie).toBe(cookie);
    expect(lineOf(await ask('/look'))).toBe('');
  });

  test('genid: it makes the id, from the request', async () => {
    let number = 0;
    const genid = ({ url }: IncomingMessage): string => `${url} is id ${number++}; ü`;
    const ask = await start({ genid }, ({ session: found, sessionID }, res) => {
      found.count = 1;
      res.end(`${found.id === sessionID} ${sessionID}`);
    });
    const { cookie, body } = await ask('/a');
    expect([body, (await ask('/b', cookie)).body]).toEqual(['true /a is id 0; ü', 'true /a is id 0; ü']);
  });

  test.each([
    ['destroy', '1'],
    ['keep', '2'],
    [undefined, '2'],
  ] as const)('unset: with %s, a session that a handler took from its request counts on to %s', async (unset, next) => {
    const ask = await start(unset === undefined ? {} : { unset }, (req, res) => {
      if (req.url === '/') return count(req, res);
      if (req.url === '/null') req.session = null as never;
      else Reflect.deleteProperty(req, 'session');
      res.end('gone');
    });
    for (const path of ['/null', '/deleted']) {
      const { cookie } = await ask();
      expect((await ask(path, cookie)).body).toBe('gone');
      expect((await ask('/', cookie)).body).toBe(next);
    }
  });

  test('what cookie-parser has read counts where there is no Cookie header', async () => {
    const hide: Middleware = (req: Seen, __: never, next) => {
      delete req.headers.cookie;
      next();
    };
    const ask = await start({}, count, cookieParser() as Middleware, hide);
    const { cookie } = await ask();
    expect((await ask('/', cookie)).body).toBe('2');
    expect((await ask('/', `${cookie}x`)).body).toBe('1');
  });

  test.each([
    ['genid', { genid: 'x' }, /genid option must be a function/],
    ['unset', { unset: 'x' }, /unset option must be "destroy" or "keep"/],
    ['secret', { secret: [] }, /secret option array must contain one or more strings/],
  ])('%s: another value is a TypeError', (__, options, expected) => {
    const store = new expressSession.MemoryStore();
    expect(() => create({ secret, store, ...options } as never)).toThrow(expected);
  });
});

test('a secret that was retired opens no session, though cookie-parser still has it', async () => {
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
  'without a store, sessions are in data/sessions beside the package.json of the application, started %s',
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

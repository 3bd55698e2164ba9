import { execFile } from 'node:child_process';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { connect, createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import express from 'express';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MemoryStore } from '../../src/session/index.ts';
import { createMiddleware, type Middleware, type MiddlewareOptions } from '../../src/session/middleware.ts';
import { driverOf } from '../../src/stores/express.ts';
import { send } from '../support/http.ts';
import { change, secretOf, strictOptions } from './support.ts';

type Seen = IncomingMessage & Express.Request;
type Level = 'warn' | 'error';

/** The middleware of an environment, with a store that can fail. */
function create(options: Partial<MiddlewareOptions> = {}): {
  middleware: Middleware;
  log: [Level, string][];
  store: { isDown: boolean };
} {
  const log: [Level, string][] = [];
  const write = (level: Level) => (_: object, message: string) => void log.push([level, message]);
  const store = { isDown: false };
  const memory = driverOf(new MemoryStore());
  const unlessDown =
    <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      if (store.isDown) throw new Error('down');
      return call(...args);
    };
  const driver = change(memory, {
    read: unlessDown(memory.read),
    create: unlessDown(memory.create),
    update: unlessDown(memory.update),
  });
  const middleware = createMiddleware(driver, {
    ...strictOptions(),
    secrets: () => [secretOf('a')],
    log: { warn: write('warn'), error: write('error') },
    ...options,
  });
  return { middleware, log, store };
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

/** Counts requests. On `/stream` it counts after the first byte. */
function count(req: IncomingMessage, res: ServerResponse): void {
  const { session, url } = req as Seen;
  const end = (): void => {
    session.count = (session.count ?? 0) + 1;
    res.end(String(session.count));
  };
  if (url === '/stream') res.write('a');
  if (url === '/stream') setImmediate(end);
  else end();
}

/** Runs the middleware, then counts. */
function chain(middleware: Middleware, req: IncomingMessage, res: ServerResponse): void {
  middleware(req, res, (error) => (error ? res.writeHead(500).end('next') : count(req, res)));
}

// In Express 4, the host of a request has no port.
const express4 = { host: 'localhost', hostname: 'localhost', secure: false, protocol: 'http', get: () => undefined };

const frameworks: [string, (middleware: Middleware) => RequestListener][] = [
  ['node:http', (middleware) => (req, res) => chain(middleware, req, res)],
  [
    'Express 4',
    (middleware) => (req, res) => {
      chain(middleware, Object.assign(req, express4, { originalUrl: req.url, res }), res);
    },
  ],
  ['Express 5', (middleware) => express().use(middleware as express.RequestHandler, count)],
  [
    'Connect, which removes a path from the URL',
    (middleware) => (req, res) => chain(middleware, Object.assign(req, { originalUrl: req.url, url: '/' }), res),
  ],
];

describe.each(frameworks)('requests of %s', (_, listener) => {
  test('may change something only from a page with the same host and port', async () => {
    const { middleware } = create();
    const url = await listen(listener(middleware));
    const post = (headers: Record<string, string>) => send(`${url}/of/it`, { method: 'POST', headers });
    const { status, cookie } = await post({ Origin: url });
    expect([status, cookie]).toEqual([200, expect.stringMatching(/^sid=/)]);
    expect((await post({ Origin: url, Cookie: cookie })).body).toBe('2');
    for (const Origin of ['http://localhost', 'https://evil.example', 'null', `${url}1`])
      expect(await post({ Origin, Cookie: cookie })).toMatchObject({ status: 403, cookie: '' });
    const proxied = {
      Origin: 'https://a.example:8443',
      'X-Forwarded-Host': 'a.example:8443',
      'X-Forwarded-Proto': 'https',
    };
    expect((await post(proxied)).cookie).toMatch(/^__Host-sid=/);
  });

  const fail = (): never => {
    throw new Error('of the configuration');
  };

  test.each<[string, Partial<MiddlewareOptions>]>([
    ['profileOf', { profileOf: fail }],
    ['isRefused', { isRefused: fail }],
    ['secrets', { secrets: fail }],
  ])('get a 500 and an error in the log when %s throws', async (_name, options) => {
    const { middleware, log } = create(options);
    const url = await listen(listener(middleware));
    expect(await send(url, { headers: { Cookie: 'sid=x' } })).toMatchObject({ status: 500, cookie: '' });
    expect(log).toEqual([['error', expect.any(String)]]);
  });

  test('get a 503 when the store is down, before and after their handler', async () => {
    const { middleware, store } = create();
    const url = await listen(listener(middleware));
    const { cookie } = await send(url);
    store.isDown = true;
    for (const headers of [{ Cookie: cookie }, {}]) expect((await send(url, { headers })).status).toBe(503);
  });
});

test('when a handler throws, the middleware does not call `next` again with the error', async () => {
  const module = JSON.stringify(join(import.meta.dirname, '../../dist/session/entry.js'));
  const code = `
    import { createServer, get } from 'node:http';
    import { MemoryStore, session } from ${module};
    const middleware = session({ secret: '${secretOf('a')}', store: new MemoryStore() });
    let calls = 0;
    const server = createServer((req, res) =>
      middleware(req, res, () => {
        calls += 1;
        throw new Error('of the handler');
      }),
    );
    process.on('uncaughtException', ({ message }) => {
      console.log(calls, message);
      server.closeAllConnections();
      server.close();
    });
    server.listen(0, '127.0.0.1', () => get({ port: server.address().port }).on('error', () => undefined));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code]);
  expect(stdout).toBe('1 of the handler\n');
});

test('requests of node:http2 get a session, and their responses wait until it is saved', async () => {
  const { middleware, store } = create();
  const server = createHttp2Server((request, response) => {
    const [req, res] = [request as unknown as Seen, response as unknown as ServerResponse];
    chain(middleware, req, res);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  const ask = async (
    path: string,
    headers: Record<string, string>,
  ): Promise<[status: number, cookie: string, body: string]> => {
    const stream = client.request({ ':path': path, ...headers });
    const head = new Promise<Record<string, unknown>>((resolve) => stream.once('response', resolve));
    const body = (await stream.setEncoding('utf8').toArray()).join('');
    const { ':status': status, 'set-cookie': cookies = [] } = await head;
    return [Number(status), String(cookies).replace(/;.*/, ''), body];
  };
  const [status, cookie, body] = await ask('/', {});
  expect([status, cookie, body]).toEqual([200, expect.stringMatching(/^sid=/), '1']);
  expect(await ask('/stream', { cookie })).toEqual([200, '', 'a2']);
  expect(await ask('/', { cookie })).toEqual([200, '', '3']);
  store.isDown = true;
  expect(await ask('/', {})).toEqual([503, '', expect.stringContaining('Try again')]);
});

test('an earlier middleware whose `end` calls `write` loses no output', async () => {
  const { middleware, store } = create();
  const url = await listen((req, res) => {
    const { end } = res;
    res.end = ((chunk?: unknown) => {
      if (chunk) res.write(chunk);
      return Reflect.apply(end, res, []);
    }) as typeof end;
    chain(middleware, req, res);
  });
  const { cookie, body } = await send(url);
  expect(body).toBe('1');
  expect((await send(`${url}/stream`, { headers: { Cookie: cookie } })).body).toBe('a2');
  store.isDown = true;
  expect(await send(url)).toMatchObject({ status: 503, body: expect.stringContaining('Try again') });
});

// https://github.com/socketio/socket.io/blob/main/packages/engine.io/lib/server.ts, WebSocketResponse
const socketIoResponse = {
  setHeader: () => undefined,
  getHeader: () => undefined,
  removeHeader: () => undefined,
  write: () => undefined,
  writeHead: () => undefined,
  end: () => {
    throw new Error('the socket is destroyed');
  },
};

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['an empty object', {}],
  ['the replacement of Socket.IO', socketIoResponse],
])('an upgrade with %s as its response gets its session, or an error', async (_, res) => {
  const { middleware, store, log } = create();
  const url = await listen((req, response) => chain(middleware, req, response));
  const { cookie } = await send(url);
  const upgrade = (headers: Record<string, string>): Promise<[error: unknown, session?: { count?: number }]> => {
    const req = { method: 'GET', url: '/', headers } as unknown as Seen;
    return new Promise((resolve) => middleware(req, res as ServerResponse, (error) => resolve([error, req.session])));
  };
  expect(await upgrade({ cookie })).toEqual([undefined, expect.objectContaining({ count: 1 })]);
  expect((await upgrade({}))[1]?.count).toBeUndefined();
  store.isDown = true;
  expect(await upgrade({ cookie })).toEqual([expect.objectContaining({ name: 'StoreUnavailable' }), undefined]);
  expect(log).toHaveLength(1);
});

test('the response to a polling request of Socket.IO waits for the save, and sets the cookie', async () => {
  const { middleware } = create();
  // engine.io calls the middleware with the request and response of node:http, and sends with writeHead and end.
  const url = await listen((req, res) =>
    middleware(req, res, () => {
      Object.assign((req as Seen).session, { userId: 'ann' });
      res.writeHead(200, { 'Content-Type': 'text/html' });
      res.end('ok');
    }),
  );
  const response = await send(`${url}/socket.io/?EIO=4&transport=polling`, {
    method: 'POST',
    headers: { Origin: url },
    body: '40',
  });
  expect(response).toMatchObject({ status: 200, body: 'ok', cookie: expect.stringMatching(/^sid=/) });
});

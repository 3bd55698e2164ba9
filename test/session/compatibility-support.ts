import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import expressSession from 'express-session';
import { onTestFinished } from 'vitest';
import { MemoryStore, type SessionOptions, session } from '../../src/session/index.ts';
import { type HttpResponse, type RequestOptions, send } from '../support/http.ts';
import { hourMs, secretOf } from './support.ts';

export type Seen = IncomingMessage & Express.Request;
export type Handler = (req: Seen, res: ServerResponse) => unknown;
export type Middleware = (req: never, res: never, next: (error?: unknown) => void) => void;
export type Options = Partial<SessionOptions>;
export type Ask = (path?: string, cookie?: string, options?: RequestOptions) => Promise<HttpResponse>;

/** express-session, or the library that replaces it. */
export interface Library {
  create: (options: Options) => Middleware;
  MemoryStore: typeof MemoryStore;
}

export const secret = secretOf('a');
const log = { warn: () => undefined, error: () => undefined };

export const expressLibrary: Library = {
  create: (options) => expressSession(options as expressSession.SessionOptions) as Middleware,
  MemoryStore: expressSession.MemoryStore as typeof MemoryStore,
};
export const sessappLibrary: Library = {
  create: (options) => session({ log, ...options } as SessionOptions) as Middleware,
  MemoryStore,
};

/** For `describe.each` and `test.each`: both libraries must do what express-session documents. */
export const libraries: [string, Library][] = [
  ['express-session', expressLibrary],
  ['sessapp/session', sessappLibrary],
];

/** The options that most applications set. Without them, express-session prints a warning. */
export const usual = { secret, resave: false, saveUninitialized: false };

/** A node:http server with these middlewares before the handler. An error of a middleware is a 500 with its message. */
export async function listen(handle: Handler, ...middlewares: Middleware[]): Promise<Ask> {
  const server = createServer((req, res) => {
    const run = (at: number, error?: unknown): void => {
      const middleware = middlewares[at];
      if (error) fail(res, error);
      else if (middleware) middleware(req as never, res as never, (failure) => run(at + 1, failure));
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

function fail(res: ServerResponse, error: unknown): void {
  if (res.headersSent) return;
  res.statusCode = 500;
  res.end(String(error));
}

/** A server whose default handler counts in the session. */
export function start({ create, MemoryStore: Memory }: Library, options: Options, handle = count): Promise<Ask> {
  return listen(handle, create({ ...usual, store: new Memory(), ...options }));
}

export const lineOf = ({ headers }: HttpResponse): string => String(headers['set-cookie'] ?? '');

/** When the cookie expires, rounded to a second as in the header. */
export const endOf = (line: string): number => Date.parse(/; Expires=([^;]+)/.exec(line)?.[1] ?? '');

export const isInAnHour = (line: string): boolean => Math.abs(endOf(line) - Date.now() - hourMs) < 5000;

/** The session id in a cookie's value. */
export const idOf = (cookie: string): string => decodeURIComponent(cookie).replace(/^.*?=s:(.*)\.[^.]*$/, '$1');

export const nothing: Handler = (_, res) => res.end('nothing');

export const count: Handler = ({ session: found }, res) => {
  found.count = (found.count ?? 0) + 1;
  res.end(String(found.count));
};

/** Changes the session only on `/`. */
export const look: Handler = (req, res) =>
  req.url === '/' ? count(req, res) : res.end(String(req.session.count ?? 0));

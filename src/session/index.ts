import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { dirname, join, resolve } from 'node:path';
import expressSession, { type Store } from 'express-session';
import type { Driver, Log } from '../stores/driver.ts';
import { embedded } from '../stores/embedded/index.ts';
import { driverOf } from '../stores/express.ts';
import { startPruning } from '../stores/pruning.ts';
import { type CookieOptions, createProfile, endOf } from './cookie-option.ts';
import { defaultLimits, type Limits } from './data/limits.ts';
import { createMiddleware, type Middleware, type MiddlewareOptions } from './middleware.ts';
import { isMissing, type SecretOption, signWithSecretOfRequest, toSecrets } from './secret-option.ts';

export type { Cookie, SessionData } from 'express-session';
export type { CookieOptions } from './cookie-option.ts';
export type { Limits } from './data/limits.ts';
export type { Middleware } from './middleware.ts';
export type { SessionSummary } from './object/summary.ts';
export type { Driver, Log };

/** The options of express-session, and ours. */
export interface SessionOptions {
  /**
   * Signs the cookie. Of several, newest first, the first one signs and each verifies; as a function it is asked for them
   * at each request, so that they may change.
   */
  secret: SecretOption;
  /**
   * One of `sessapp/stores/*`, or any express-session store. By default the embedded store, in `data/sessions` beside the
   * package.json of the application.
   */
  store?: Driver | Store | undefined;
  /** The cookie's name. By default `connect.sid`. */
  name?: string | undefined;
  /** The same, as express-session 1.0 called it. */
  key?: string | undefined;
  /** The cookie's attributes, or a function of the request that returns them. */
  cookie?: CookieOptions | ((req: IncomingMessage) => CookieOptions) | undefined;
  /** True: X-Forwarded-Proto says whether a connection is encrypted. By default what Express says counts. */
  proxy?: boolean | undefined;
  /** Makes the id of a new session. It must be unique, and nobody may be able to guess it. */
  genid?: ((req: IncomingMessage) => string) | undefined;
  /** True: each request with a session makes it live longer. By default that is done after a tenth of its idle time. */
  resave?: boolean | undefined;
  /** True: each response sets the cookie. */
  rolling?: boolean | undefined;
  /** Whether a new session is stored, and gets a cookie, although it holds nothing. By default true. */
  saveUninitialized?: boolean | undefined;
  /** 'destroy': a request that sets `req.session` to null ends the session. By default 'keep'. */
  unset?: 'destroy' | 'keep' | undefined;
  /** How long sessions live, and how large they may be. */
  limits?: Partial<Limits>;
  /** By default warnings and errors go to stderr. */
  log?: Log;
  /** The time in milliseconds since 1970, for tests. By default that of the system. */
  now?: () => number;
}

/**
 * A middleware that gives each request its `req.session`, as express-session does, and sends a response only after its
 * session is saved. It takes requests of node:http, Connect, and Express 4 and 5.
 * @throws TypeError when the secret is missing, or an option has a value that it cannot have
 */
export function session(options?: SessionOptions): Middleware {
  return createSession(options ?? {});
}

function createSession(options: Partial<SessionOptions>): Middleware {
  verifyOptions(options);
  const { secret, store, log = stderrLog } = options;
  const driver = toDriver(store);
  const create = (used: SecretOption): Middleware => createMiddleware(driver, toMiddlewareOptions(options, used, log));
  const middleware = isMissing(secret) ? signWithSecretOfRequest(create, log) : create(secret);
  startPruning(driver, log);
  return middleware;
}

function toMiddlewareOptions(options: Partial<SessionOptions>, secret: SecretOption, log: Log): MiddlewareOptions {
  const { store, cookie, limits, rolling, resave = isExpressStore(store), saveUninitialized = true, unset } = options;
  const end = typeof cookie === 'object' ? endOf(cookie) : null;
  const idleMs = limits?.idleMs ?? (typeof end === 'number' ? end : defaultLimits.idleMs);
  const absoluteMs = Math.max(idleMs, defaultLimits.absoluteMs);
  return {
    profileOf: createProfile(options),
    secrets: toSecrets(secret, log),
    limits: { idleMs, anonymousIdleMs: idleMs, absoluteMs, ...limits },
    behavior: {
      rolling: rolling === true,
      resave: resave === true,
      saveUninitialized,
      unsetDestroys: unset === 'destroy',
    },
    ...(options.genid && { generateId: options.genid }),
    ...(options.now && { now: options.now }),
    log,
    isDevelopment: process.env.NODE_ENV !== 'production',
  };
}

export const { Cookie: SessionCookie, MemoryStore, Session, Store: SessionStore } = expressSession;

// The properties that express-session's function has, for what extends `session.Store`.
session.Cookie = SessionCookie;
session.MemoryStore = MemoryStore;
session.Session = Session;
session.Store = SessionStore;

// `require` gives the function itself, as express-session's does, and the other exports are properties of it too.
session.session = session;
session.default = session;

export { session as default, session as 'module.exports' };

function verifyOptions({ genid, unset }: Partial<SessionOptions>): void {
  if (genid !== undefined && typeof genid !== 'function') throw new TypeError('genid option must be a function');
  if (unset !== undefined && unset !== 'destroy' && unset !== 'keep')
    throw new TypeError('unset option must be "destroy" or "keep"');
}

function toDriver(store: Driver | Store | undefined): Driver {
  if (!store) return embedded({ directory: join(applicationDirectory(), 'data', 'sessions') });
  return isExpressStore(store) ? driverOf(store) : store;
}

function isExpressStore(store: Driver | Store | undefined): store is Store {
  return store !== undefined && !('update' in store);
}

/** Where the application's package.json is; without one, where the application was started. */
function applicationDirectory(): string {
  const [, main] = process.argv;
  const start = main === undefined ? process.cwd() : dirname(resolve(main));
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'package.json'))) return directory;
    if (directory === dirname(directory)) return process.cwd();
  }
}

const stderrLog: Log = {
  warn: (detail, message) => console.error(`sessapp: ${message}`, ...describe(detail)),
  error: (detail, message) => console.error(`sessapp: ${message}`, ...describe(detail)),
};

function describe(detail: object): unknown[] {
  return Object.keys(detail).length === 0 ? [] : [detail];
}

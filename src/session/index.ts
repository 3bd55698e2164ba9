import { existsSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import expressSession, { type CookieOptions as ExpressCookieOptions } from 'express-session';
import type { Driver, Log } from '../stores/driver.ts';
import { embedded } from '../stores/embedded/index.ts';
import { driverOf } from '../stores/express.ts';
import { startPruning } from '../stores/pruning.ts';
import { type CookieProfile, profilesOf } from './cookie/cookie.ts';
import type { Secret } from './cookie/signature.ts';
import { defaultLimits, type Limits } from './data/limits.ts';
import { isSecure, type Request } from './http.ts';
import { createMiddleware, type Middleware } from './middleware.ts';

export type { SessionData } from 'express-session';
export type { Limits } from './data/limits.ts';
export type { Middleware } from './middleware.ts';
export type { SessionSummary } from './object/summary.ts';
export type { Driver, Log };

/** As Express's applications see it. */
type ExpressRequest = Parameters<NonNullable<expressSession.SessionOptions['genid']>>[0];

/** What the session cookie looks like. With 'auto' it depends on whether the connection is encrypted. */
export interface CookieOptions extends Omit<ExpressCookieOptions, 'sameSite'> {
  sameSite?: ExpressCookieOptions['sameSite'] | 'auto';
}

/** The options of express-session, and ours. */
export interface SessionOptions {
  /**
   * Signs the cookie. Of several, newest first, the first one signs and each verifies; as a function it is asked for them
   * at each request, so that they may change.
   */
  secret: Secret | Secret[] | (() => Secret[]);
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
  cookie?: CookieOptions | ((req: ExpressRequest) => CookieOptions) | undefined;
  /** True: X-Forwarded-Proto says whether a connection is encrypted. By default what Express says counts. */
  proxy?: boolean | undefined;
  /** Makes the id of a new session. It must be unique, and nobody may be able to guess it. */
  genid?: ((req: ExpressRequest) => string) | undefined;
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
export function session(options: SessionOptions): Middleware {
  verifyOptions(options);
  const { store, cookie, genid, limits, log = stderrLog, rolling, resave, saveUninitialized = true, unset } = options;
  const driver = toDriver(store);
  const maxAge = typeof cookie === 'function' ? undefined : cookie?.maxAge;
  const idleMs = limits?.idleMs ?? (typeof maxAge === 'number' ? maxAge : defaultLimits.idleMs);
  const absoluteMs = Math.max(idleMs, defaultLimits.absoluteMs);
  startPruning(driver, log);
  return createMiddleware(driver, {
    profileOf: createProfile(options),
    secrets: toSecrets(options.secret, log),
    limits: { idleMs, anonymousIdleMs: idleMs, absoluteMs, ...limits },
    behavior: {
      rolling: rolling === true,
      resave: resave === true,
      saveUninitialized,
      unsetDestroys: unset === 'destroy',
    },
    ...(genid && { generateId: (req) => genid(req as ExpressRequest) }),
    ...(options.now && { now: options.now }),
    log,
    isDevelopment: process.env.NODE_ENV !== 'production',
  });
}

export const { Cookie, MemoryStore, Session, Store } = expressSession;
export type Cookie = expressSession.Cookie;
export type MemoryStore = expressSession.MemoryStore;
export type Session = expressSession.Session;
export type Store = expressSession.Store;

// The properties that express-session's function has, for what extends `session.Store`.
session.Cookie = Cookie;
session.MemoryStore = MemoryStore;
session.Session = Session;
session.Store = Store;

type Options = SessionOptions;
type OptionsOfCookie = CookieOptions;

/** The types that `session.` has in @types/express-session. */
export declare namespace session {
  type Cookie = expressSession.Cookie;
  type CookieOptions = OptionsOfCookie;
  type MemoryStore = expressSession.MemoryStore;
  type Session = expressSession.Session;
  type SessionData = expressSession.SessionData;
  type SessionOptions = Options;
  type Store = expressSession.Store;
}

// `require` gives the function itself, as express-session's does, and the other exports are properties of it too.
session.session = session;
session.default = session;

export { session as default, session as 'module.exports' };

/** 24 random bytes in base64url. */
const strongLength = 32;
const needsSecret = 'session() needs a secret: 32 random bytes, in base64url for example';

function verifyOptions({ genid, unset, secret }: Partial<SessionOptions>): void {
  if (genid !== undefined && typeof genid !== 'function') throw new TypeError('genid option must be a function');
  if (unset !== undefined && unset !== 'destroy' && unset !== 'keep')
    throw new TypeError('unset option must be "destroy" or "keep"');
  if (Array.isArray(secret) && secret.length === 0)
    throw new TypeError(`secret option array must contain one or more strings: ${needsSecret}`);
}

function toDriver(store: Driver | Store | undefined): Driver {
  if (!store) return embedded({ directory: join(applicationDirectory(), 'data', 'sessions') });
  return 'update' in store ? store : driverOf(store);
}

/** Where the application's package.json is; without one, where the application was started. */
function applicationDirectory(): string {
  const [, main = ''] = process.argv;
  // What is in node_modules runs the application: a test runner, a process manager.
  const isOwn = main !== '' && !resolve(main).split(sep).includes('node_modules');
  const start = isOwn ? dirname(resolve(main)) : process.cwd();
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'package.json'))) return directory;
    if (directory === dirname(directory)) return process.cwd();
  }
}

function toSecrets(secret: SessionOptions['secret'] | undefined, log: Log): () => Secret[] {
  if (typeof secret === 'function') return secret;
  const secrets = [secret ?? []].flat().filter((each) => each.length > 0);
  if (secrets.length === 0) throw new TypeError(needsSecret);
  if (secrets.some((each) => each.length < strongLength))
    log.warn({}, `session() has a secret of less than ${strongLength} characters, which can be guessed`);
  return () => secrets;
}

function createProfile(options: SessionOptions): (req: Request) => CookieProfile {
  const { name = options.key ?? 'connect.sid', cookie = {}, proxy } = options;
  if (typeof cookie === 'function')
    return (req) => toProfile(name, cookie(req as ExpressRequest), isSecure(req, proxy));
  const profileOf = profilesOf((isEncrypted) => toProfile(name, cookie, isEncrypted));
  return (req) => profileOf(isSecure(req, proxy));
}

function toProfile(name: string, cookie: CookieOptions, isEncrypted: boolean): CookieProfile {
  const { path = '/', httpOnly = true, secure = false, sameSite, maxAge, expires, ...others } = cookie;
  const site = sameSite === 'auto' ? (isEncrypted ? 'none' : 'lax') : sameSite;
  const attributes = { ...others, path, httpOnly, secure: secure === 'auto' ? isEncrypted : secure, sameSite: site };
  const maxAgeMs = expires instanceof Date ? expires.getTime() - Date.now() : (maxAge ?? null);
  return { name, attributes, isEncrypted, maxAgeMs };
}

const stderrLog: Log = {
  warn: (detail, message) => console.error(`sessapp: ${message}`, ...describe(detail)),
  error: (detail, message) => console.error(`sessapp: ${message}`, ...describe(detail)),
};

function describe(detail: object): unknown[] {
  return Object.keys(detail).length === 0 ? [] : [detail];
}

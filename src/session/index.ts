import expressSession from 'express-session';
import type { Driver, Log } from '../stores/driver.ts';
import { startPruning } from '../stores/pruning.ts';
import { adoptSessions } from './adopt-sessions.ts';
import { type CookieProfile, profilesOf } from './cookie/cookie.ts';
import type { Secret } from './cookie/signature.ts';
import { defaultLimits } from './data/limits.ts';
import { isSecure, type Request } from './http.ts';
import { createMiddleware, type Middleware } from './middleware.ts';
import type { CookieOptions, ExpressRequest, SessionOptions } from './options.ts';
import { driverFor } from './store-option.ts';

export type { SessionData } from 'express-session';
export type { Limits } from './data/limits.ts';
export type { Middleware } from './middleware.ts';
export type { SessionSummary } from './object/summary.ts';
export type { Adoption, AnyStore, CookieOptions, SessionOptions } from './options.ts';
export type { Driver, Log };

/**
 * A middleware that gives each request its `req.session`, as express-session does, and sends a response only after its
 * session is saved. It takes requests of node:http, Connect, and Express 4 and 5.
 * @throws TypeError when the secret is missing, or an option has a value that it cannot have
 */
export function session(options: SessionOptions): Middleware {
  verifyOptions(options);
  const { cookie, genid, limits, log = stderrLog, rolling, resave, saveUninitialized = true, unset } = options;
  const driver = driverFor(options);
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
session.adoptSessions = adoptSessions;

export { adoptSessions, session as default, session as 'module.exports' };

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

import expressSession, { type CookieOptions, type Store } from 'express-session';
import type { Driver, Log } from '../stores/driver.ts';
import { driverOf } from '../stores/express.ts';
import { startPruning } from '../stores/pruning.ts';
import { type CookieProfile, profilesOf } from './cookie/cookie.ts';
import { defaultLimits, type Limits } from './data/limits.ts';
import { isSecure, type Request } from './http.ts';
import { createMiddleware, type Middleware } from './middleware.ts';

export type { Cookie, CookieOptions, SessionData } from 'express-session';
export type { Limits } from './data/limits.ts';
export type { Middleware } from './middleware.ts';
export type { SessionSummary } from './object/summary.ts';
export type { Driver, Log };

export interface SessionOptions {
  /**
   * Signs the cookie. Of several, newest first, the first one signs and each verifies; as a function it is asked for them
   * at each request, so that they may change.
   */
  secret: string | string[] | (() => string[]);
  /** One of `sessapp/stores/*`, or any express-session store. */
  store: Driver | Store;
  /** The cookie's name. */
  name?: string;
  cookie?: CookieOptions;
  /** True: X-Forwarded-Proto says whether a connection is encrypted. By default what Express says counts. */
  proxy?: boolean;
  /** How long sessions live, and how large they may be. */
  limits?: Partial<Limits>;
  /** By default warnings and errors go to stderr. */
  log?: Log;
}

/**
 * A middleware that gives each request its `req.session`, as express-session does, and sends a response only after its
 * session is saved. It takes requests of node:http, Connect, and Express 4 and 5.
 * @throws TypeError when the secret or the store is missing
 */
export function session(options: SessionOptions): Middleware {
  const { store, limits, log = stderrLog } = options;
  const driver = toDriver(store);
  const { maxAge } = options.cookie ?? {};
  const idleMs = limits?.idleMs ?? (typeof maxAge === 'number' ? maxAge : defaultLimits.idleMs);
  startPruning(driver, log);
  return createMiddleware(driver, {
    profileOf: createProfile(options),
    secrets: toSecrets(options.secret),
    limits: { idleMs, anonymousIdleMs: idleMs, ...limits },
    log,
    isDevelopment: process.env.NODE_ENV !== 'production',
  });
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

function toDriver(store: Driver | Store | undefined): Driver {
  if (!store) {
    throw new TypeError(
      "session() needs a store. For example: import { embedded } from 'sessapp/stores/embedded', and " +
        "store: embedded({ directory: 'data/sessions' })",
    );
  }
  return 'update' in store ? store : driverOf(store);
}

function toSecrets(secret: SessionOptions['secret'] | undefined): () => string[] {
  if (typeof secret === 'function') return secret;
  const secrets = [secret ?? []].flat().filter((each) => each !== '');
  if (secrets.length === 0) throw new TypeError('session() needs a secret: 32 random bytes, in base64url for example');
  return () => secrets;
}

function createProfile({ name = 'connect.sid', cookie = {}, proxy }: SessionOptions): (req: Request) => CookieProfile {
  const { path = '/', httpOnly = true, secure = false, domain, sameSite, partitioned, priority } = cookie;
  const site = sameSite === true ? 'strict' : sameSite || undefined;
  const profileOf = profilesOf((encrypted) => {
    const isSecureCookie = secure === 'auto' ? encrypted : secure;
    const attributes = { path, httpOnly, secure: isSecureCookie, domain, sameSite: site, partitioned, priority };
    return { name, attributes, canBeSet: !isSecureCookie || encrypted };
  });
  return (req) => profileOf(isSecure(req, proxy));
}

const stderrLog: Log = {
  warn: (detail, message) => console.error(`sessapp: ${message}`, ...describe(detail)),
  error: (detail, message) => console.error(`sessapp: ${message}`, ...describe(detail)),
};

function describe(detail: object): unknown[] {
  return Object.keys(detail).length === 0 ? [] : [detail];
}

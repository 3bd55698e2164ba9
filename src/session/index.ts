import type * as express from 'express-session';
import { Cookie, MemoryStore, Session, Store } from 'express-session';
import type { Driver, Log } from '../stores/driver.ts';
import { kindOf } from '../stores/options.ts';
import { startPruning } from '../stores/pruning.ts';
import { adoptSessions } from './adopt-sessions.ts';
import { createProfile, reportRefused, verifyCookieOptions } from './cookie-option.ts';
import { limitsOf } from './limits-option.ts';
import { createMiddleware, type Middleware, type MiddlewareOptions } from './middleware.ts';
import { reportUnknownOptions } from './option-names.ts';
import type * as options from './options.ts';
import { isMissing, type SecretOption, signWithSecretOfRequest, toSecrets } from './secret-option.ts';
import { reportLimits } from './store-limits.ts';
import { driverFor, isExpressStore, usesExpressStore, withoutEmpty } from './store-option.ts';

export type { SessionData } from 'express-session';
export type { Limits } from './data/limits.ts';
export type { Middleware } from './middleware.ts';
export type { SessionSummary } from './object/summary.ts';
export type { Adoption, AnyStore, CookieOptions, SessionOptions } from './options.ts';
export type { Driver, Log };

/**
 * Creates a middleware that sets `req.session`, as express-session does. It sends a response only after its session is saved.
 * It works with node:http, Connect, and Express 4 and 5.
 * @throws TypeError when the secret is missing or an option is not valid
 */
export function session(given?: options.SessionOptions, ...others: never[]): Middleware {
  if (others.length > 0)
    throw new TypeError('session() creates the middleware, and is not the middleware itself: app.use(session({ … }))');
  if (given !== undefined && given !== null && typeof given !== 'object')
    throw new TypeError(`session() needs an object with options: session({ secret }); it got ${kindOf(given)}`);
  const log = given?.log || stderrLog;
  if (typeof log.warn !== 'function' || typeof log.error !== 'function')
    throw new TypeError('log option must be an object with the functions warn and error, such as console');
  reportUnknownOptions(given ?? {}, log);
  return createSession(withoutEmpty(given ?? {}), log);
}

function createSession(options: Partial<options.SessionOptions>, log: Log): Middleware {
  verifyOptions(options);
  const { secret, store, cookie } = options;
  const driver = driverFor(options);
  const create = (used: SecretOption): Middleware => createMiddleware(driver, toMiddlewareOptions(options, used, log));
  const middleware = isMissing(secret) ? signWithSecretOfRequest(create, log) : create(secret);
  if (isExpressStore(store)) reportLimits(store, log);
  if (typeof cookie === 'object') reportRefused(cookie, log);
  startPruning(driver, log, options.now && { now: options.now });
  return middleware;
}

function toMiddlewareOptions(
  options: Partial<options.SessionOptions>,
  secret: SecretOption,
  log: Log,
): MiddlewareOptions {
  const { rolling, resave, saveUninitialized = true, unset } = options;
  return {
    profileOf: createProfile(options, log),
    secrets: toSecrets(secret, log),
    limits: limitsOf(options),
    behavior: {
      rolling: rolling === true,
      // An express-session store may end a session by its own ttl, so extend it at each request, as express-session does.
      resave: resave === true || usesExpressStore(options),
      saveUninitialized,
      unsetDestroys: unset === 'destroy',
    },
    ...(options.genid && { generateId: options.genid }),
    ...(options.now && { now: options.now }),
    log,
    isDevelopment: process.env.NODE_ENV !== 'production',
  };
}

// express-session's function has these properties, and stores extend `session.Store`.
session.Cookie = Cookie;
session.MemoryStore = MemoryStore;
session.Session = Session;
session.Store = Store;

// The same names as types.
export declare namespace session {
  type Cookie = express.Cookie;
  type CookieOptions = options.CookieOptions;
  type MemoryStore = express.MemoryStore;
  type Session = express.Session;
  type SessionData = express.SessionData;
  type SessionOptions = options.SessionOptions;
  type Store = express.Store;
}

// `require` returns the function itself, as for express-session, so the other exports must also be its properties.
session.session = session;
session.default = session;
session.adoptSessions = adoptSessions;

export { adoptSessions, Cookie, MemoryStore, Session, Store, session as default };

function verifyOptions(given: Partial<options.SessionOptions>): void {
  const { genid, now, unset } = given;
  if (genid !== undefined && typeof genid !== 'function') throw new TypeError('genid option must be a function');
  if (now !== undefined && typeof now !== 'function')
    throw new TypeError('now option must be a function that returns the time in milliseconds since 1970');
  if (unset !== undefined && unset !== 'destroy' && unset !== 'keep')
    throw new TypeError('unset option must be "destroy" or "keep"');
  verifyCookieOptions(given);
}

const stderrLog: Log = {
  warn: (detail, message) => console.error(`sessapp: ${message}`, ...describe(detail)),
  error: (detail, message) => console.error(`sessapp: ${message}`, ...describe(detail)),
};

function describe(detail: object): unknown[] {
  return Object.keys(detail).length === 0 ? [] : [detail];
}

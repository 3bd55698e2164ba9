import type { IncomingMessage, ServerResponse } from 'node:http';
import { withDeadline } from '../stores/deadline.ts';
import type { Driver, Log } from '../stores/driver.ts';
import { identifiedKeyOf, sessionKeyOf } from '../stores/session-key.ts';
import { type Behavior, defaultBehavior } from './behavior.ts';
import type { CookieProfile } from './cookie/cookie.ts';
import { createId } from './cookie/ids.ts';
import { cookiesBy } from './cookie/session-cookie.ts';
import { createKeyring, createVerifier, type Secret, type ToSessionKey } from './cookie/signature.ts';
import { type Limits, toLimits } from './data/limits.ts';
import type { Owner } from './data/owner.ts';
import { Records } from './data/records.ts';
import { plainText, type Request, type Response, responseFor, send } from './http.ts';
import { SessionStore } from './object/session-store.ts';
import type { SessionSummary } from './object/summary.ts';
import { SessionAccess } from './response/access.ts';
import { Lifecycle, type Shared } from './response/lifecycle.ts';
import { limitPipeline } from './response/pipeline.ts';
import { resume } from './resume.ts';

// This declaration is here because the type declarations of both public entries import this file.
declare module 'express-session' {
  interface Session {
    /** Without a callback it returns a promise: `await req.session.regenerate()`. `req.session` is then the new session. */
    regenerate(): Promise<void>;
    /** Without a callback it returns a promise: `await req.session.reload()`. `req.session` is then the session as stored. */
    reload(): Promise<void>;
    /** Without a callback it returns a promise: `await req.session.destroy()`. Then there is no `req.session`. */
    destroy(): Promise<void>;
    /**
     * Changes the newest stored data, for counters and lists:
     * `await req.session.update((data) => { data.visits = (data.visits ?? 0) + 1; })`.
     * When the promise resolves, the change is stored together with the request's other changes, and `req.session` shows it.
     * The promise rejects when the store fails, and with a TypeError when the function is async. If the session is gone,
     * nothing happens.
     */
    update(change: (data: Partial<import('express-session').SessionData>) => void): Promise<void>;
    /**
     * Destroys all other sessions of this session's owner: `await req.session.endOthers()`. Resolves to how many it destroyed.
     * Rejects when `sessionsOf` of `req.sessionStore` rejects, and with a TypeError when the session has no owner.
     */
    endOthers(): Promise<number>;
  }
  interface Store {
    /**
     * The live sessions of a user: `await req.sessionStore.sessionsOf(userId)`, with the value of `req.session.userId`.
     * Rejects when the store fails, when an express-session store cannot list its sessions, and while `adopt` names a store
     * that cannot.
     */
    sessionsOf(owner: Owner): Promise<SessionSummary[]>;
    /**
     * Destroys all sessions of a user, or only those for which `isMeant` returns true. Resolves to how many it destroyed.
     * Rejects when `sessionsOf` rejects.
     */
    endSessionsOf(owner: Owner, isMeant?: (session: SessionSummary) => boolean): Promise<number>;
    /** Returns `SessionSummary.ref` for a session id: `refOf(req.sessionID)` is the reference to this request's session. */
    refOf(id: string): string;
  }
}

export interface MiddlewareOptions {
  /** Returns the session cookie's name and attributes for a request. */
  profileOf: (req: Request) => CookieProfile;
  /** Returns the secrets, newest first: the first one signs, all verify. It is called for each request, so secrets may change. */
  secrets: () => Secret[];
  /** Called before a cookie is verified. If it returns a promise, the middleware awaits it. */
  beforeVerifying?: () => Promise<void> | undefined;
  /** Returns true for a request that gets a 403 response instead of a session. */
  isRefused?: (req: Request) => boolean;
  log: Log;
  /** Whether to log warnings that are meant for the developer. */
  isDevelopment?: boolean;
  limits?: Partial<Limits>;
  /** Creates the id of a new session. */
  generateId?(req: Request): string;
  behavior?: Partial<Behavior>;
  /** Returns the time in milliseconds since 1970, by which sessions and their cookies expire. */
  now?: () => number;
}

/** The middleware that `session()` returns. @param res `{}` for a WebSocket upgrade, which has no response */
export type Middleware = (
  req: IncomingMessage,
  res: ServerResponse | Record<string, never>,
  next: (error?: unknown) => void,
) => void;

/** Creates a middleware that sets `req.session`, as express-session does, and holds the response until the session is saved. */
export function createMiddleware(driver: Driver, options: MiddlewareOptions): Middleware {
  const { profileOf, isRefused = () => false, beforeVerifying = () => undefined } = options;
  const toSessionKey = driver.needsIds ? identifiedKeyOf : sessionKeyOf;
  const shared = share(driver, options, toSessionKey);
  const verify = createVerifier(toSessionKey);
  const open = async (req: Request, res: Response | undefined, profile: CookieProfile): Promise<void> => {
    const access = new SessionAccess(req);
    req.sessionStore = shared.store;
    await beforeVerifying();
    const signed = await resume(shared, verify, req, profile);
    if (!signed) shared.store.generate(req);
    if (res) new Lifecycle(shared, req, res, { access, profile, signed });
  };
  // Resolves to false when it has sent the response itself. Rejects when a failure occurs and there is no response to send.
  const prepare = async (req: Request, res: Response | undefined): Promise<boolean> => {
    try {
      if (res) limitPipeline(req, res);
      const profile = profileOf(req);
      if (!isBelow(profile.attributes.path, req)) return true;
      if (res && isRefused(req)) return refuse(shared.log, req, res);
      await open(req, res, profile);
      return true;
    } catch (error) {
      shared.log.error({ err: error }, 'the session could not be read: the request was not handled');
      if (!res) throw error;
      return sendFailure(res, error);
    }
  };
  let mayReportSession = true;
  const middleware: Middleware = (req, res, next) => {
    if ((req as Request).session) {
      if (mayReportSession)
        shared.log.warn({}, 'a request already had a session from another middleware: this one did nothing');
      mayReportSession = false;
      return next();
    }
    // An error that `next` throws is the application's error: do not call `next` again.
    void prepare(req as Request, toResponse(res)).then((isReady) => isReady && next(), next);
  };
  return register(middleware);
}

const middlewares = new WeakSet<object>();

/** Marks a function as a middleware of this library. */
export function register(middleware: Middleware): Middleware {
  middlewares.add(middleware);
  return middleware;
}

/** True for a middleware of this library. */
export function isMiddleware(handle: object): boolean {
  return middlewares.has(handle);
}

// Undefined for a WebSocket upgrade: it has no response, `{}`, or Socket.IO's replacement, which has some methods of a response
// but sends nothing.
function toResponse(res: Partial<Response> | undefined): Response | undefined {
  return typeof res?.end === 'function' && typeof res.getHeaders === 'function' ? (res as Response) : undefined;
}

// A request outside the cookie's path has no cookie, so it gets no session.
function isBelow(path: string, { originalUrl, url = '/' }: Request): boolean {
  return path === '/' || (originalUrl ?? url).startsWith(path);
}

function share(driver: Driver, options: MiddlewareOptions, toSessionKey: ToSessionKey): Shared {
  const {
    profileOf,
    secrets,
    log,
    isDevelopment = false,
    limits,
    now = () => Date.now(),
    generateId = createId,
  } = options;
  const all = toLimits(limits);
  const signingKeys = createKeyring(secrets);
  const records = new Records(withDeadline(driver, all.storeDeadlineMs), all, now, log, isDevelopment);
  const store = new SessionStore(records, {
    profileOf,
    newestKeyId: () => signingKeys()[0].id,
    createId: generateId,
    createCookie: cookiesBy(options.now),
    toSessionKey,
  });
  return { store, records, signingKeys, toSessionKey, log, behavior: { ...defaultBehavior, ...options.behavior } };
}

function refuse(log: Log, req: Request, res: Response): false {
  const { method, originalUrl, url, headers } = req;
  const { origin, 'sec-fetch-site': site, host } = headers;
  log.warn({ method, url: originalUrl ?? url, origin, site, host }, 'a request from another site was refused');
  send(res, 403, plainText, 'This request came from another site, and was refused.\n');
  return false;
}

function sendFailure(res: Response, error: unknown): false {
  const { status, headers, body } = responseFor(error);
  send(res, status, headers, body);
  return false;
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { withDeadline } from '../stores/deadline.ts';
import type { Driver, Log } from '../stores/driver.ts';
import { identifiedKeyOf, sessionKeyOf } from '../stores/session-key.ts';
import { type Behavior, defaultBehavior } from './behavior.ts';
import { type CookieProfile, readCookies } from './cookie/cookie.ts';
import { createId } from './cookie/ids.ts';
import {
  createKeyring,
  createVerifier,
  type Secret,
  type SignedId,
  type SigningKey,
  type ToSessionKey,
} from './cookie/signature.ts';
import { type Limits, toLimits } from './data/limits.ts';
import type { Owner } from './data/owner.ts';
import { Records } from './data/records.ts';
import { plainText, type Request, type Response, responseFor, send } from './http.ts';
import { SessionStore } from './object/session-store.ts';
import type { SessionSummary } from './object/summary.ts';
import { SessionAccess } from './response/access.ts';
import { Lifecycle, type Shared } from './response/lifecycle.ts';
import { limitPipeline } from './response/pipeline.ts';

// It stands here because the declarations of both public entries lead to this file.
declare module 'express-session' {
  interface Session {
    /**
     * Changes what is stored now, for counters and lists:
     * `await req.session.update((data) => { data.visits = (data.visits ?? 0) + 1; })`.
     * Once the promise resolves the change is stored, with all else that the request changed so far, and `req.session`
     * shows it. Rejects when the store fails, and with a TypeError when the function is async; does nothing when the
     * session is gone.
     */
    update(change: (data: Partial<import('express-session').SessionData>) => void): Promise<void>;
    /**
     * Ends all other sessions of this session's owner, and resolves with their number: `await req.session.endOthers()`.
     * Rejects when the store fails, and with a TypeError when the session has no owner.
     */
    endOthers(): Promise<number>;
  }
  interface Store {
    /** Of `req.sessionStore`: the sessions of a user, by what `req.session.userId` is for them. */
    sessionsOf(owner: Owner): Promise<SessionSummary[]>;
    /** Ends all sessions of a user, or those for which the function returns true. Resolves with their number. */
    endSessionsOf(owner: Owner, isMeant?: (session: SessionSummary) => boolean): Promise<number>;
    /** What `ref` is for the session of this id: `refOf(req.sessionID)` is that of this request. */
    refOf(id: string): string;
  }
}

/** How many session cookies of one request are looked up. */
const candidateLimit = 5;

export interface MiddlewareOptions {
  /** What the session cookie looks like for a request. */
  profileOf: (req: Request) => CookieProfile;
  /** Newest first: the first one signs, each verifies. Asked for at each request, so that they may change. */
  secrets: () => Secret[];
  /** Is called before a cookie is verified; awaited when it returns a promise. */
  beforeVerifying?: () => Promise<void> | undefined;
  /** True for a request that gets a 403 instead of a session. */
  isRefused?: (req: Request) => boolean;
  log: Log;
  /** Whether the log says what only a developer can do something about. */
  isDevelopment?: boolean;
  limits?: Partial<Limits>;
  /** Makes the id of a new session. */
  generateId?(req: Request): string;
  behavior?: Partial<Behavior>;
  /** The time in milliseconds. */
  now?: () => number;
}

/** @param res `{}` for the upgrade to a WebSocket, which has no response */
export type Middleware = (
  req: IncomingMessage,
  res: ServerResponse | Record<string, never>,
  next: (error?: unknown) => void,
) => void;

/** Gives every request its `req.session`, as express-session does, and holds its response until that is saved. */
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
  // False: the response is sent already. Rejects when there is no response that could tell of a failure.
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
  const middleware: Middleware = (req, res, next) => {
    // It is mounted twice.
    if ((req as Request).session) return next();
    // What `next` throws is an error of the application: it does not call `next` again.
    void prepare(req as Request, toResponse(res)).then((isReady) => isReady && next(), next);
  };
  return register(middleware);
}

const middlewares = new WeakSet<object>();

/** Makes it known as a middleware of this library. */
export function register(middleware: Middleware): Middleware {
  middlewares.add(middleware);
  return middleware;
}

/** True for what gives requests their session. */
export function isMiddleware(handle: object): boolean {
  return middlewares.has(handle);
}

// Undefined for the upgrade to a WebSocket: it has nothing, `{}`, or what Socket.IO puts in its place, which has some methods
// of a response and sends nothing.
function toResponse(res: Partial<Response> | undefined): Response | undefined {
  return typeof res?.end === 'function' && typeof res.getHeaders === 'function' ? (res as Response) : undefined;
}

// Where the client does not send the cookie there is no session.
function isBelow(path: string, { originalUrl, url = '/' }: Request): boolean {
  return path === '/' || (originalUrl ?? url).startsWith(path);
}

function share(driver: Driver, options: MiddlewareOptions, toSessionKey: ToSessionKey): Shared {
  const { profileOf, secrets, log, isDevelopment = false, limits, now = Date.now, generateId = createId } = options;
  const all = toLimits(limits);
  const signingKeys = createKeyring(secrets);
  const records = new Records(withDeadline(driver, all.storeDeadlineMs), all, now, log, isDevelopment);
  const store = new SessionStore(records, {
    profileOf,
    newestKeyId: () => signingKeys()[0].id,
    createId: generateId,
    toSessionKey,
  });
  return { store, records, signingKeys, toSessionKey, log, behavior: { ...defaultBehavior, ...options.behavior } };
}

/** The signed id of the first cookie whose session lives. Only a cookie counts, and only one that the server signed. */
async function resume(
  { store, signingKeys, toSessionKey }: Shared,
  verify: ReturnType<typeof createVerifier>,
  req: Request,
  profile: CookieProfile,
): Promise<SignedId | undefined> {
  let left = candidateLimit;
  for (const value of cookiesOf(req, profile.name)) {
    const signed = verify(value, signingKeys());
    if (!signed) continue;
    if (await store.resume(req, signed)) return signed;
    left -= 1;
    if (left === 0) return undefined;
  }
  const id = verifiedByParser(req, profile.name, signingKeys());
  const parsed = id === undefined ? undefined : { id, value: '', sessionKey: toSessionKey(id), keyId: '' };
  return parsed && (await store.resume(req, parsed)) ? parsed : undefined;
}

// What cookie-parser has verified, for a request whose Cookie header is gone. Its secret must be one of ours: else it may be one
// that was retired for sessions. It may have several, so which one signed is not known, and the client gets a new cookie.
function verifiedByParser(req: Request, name: string, signingKeys: SigningKey[]): string | undefined {
  const id = req.signedCookies?.[name];
  if (typeof id !== 'string' || req.headers.cookie !== undefined) return undefined;
  return signingKeys.some(({ secret }) => secret === req.secret) ? id : undefined;
}

// Also what cookie-parser has read, for a request whose cookies are not in a header.
function cookiesOf({ headers, cookies }: Request, name: string): string[] {
  const parsed = cookies?.[name];
  return [...readCookies(headers.cookie, name), ...(typeof parsed === 'string' ? [parsed] : [])];
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

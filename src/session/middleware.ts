import type { Request, RequestHandler, Response } from 'express';
import { isCrossSiteWrite } from './cross-site.ts';
import { withDeadline } from '../stores/deadline.ts';
import type { Driver } from '../stores/driver.ts';
import { answerFor } from './response/failure.ts';
import { Lifecycle, type Shared } from './response/lifecycle.ts';
import { defaultLimits, type Limits } from './data/limits.ts';
import type { Log } from '../stores/log.ts';
import { Records } from './data/records.ts';
import { SessionAccess } from './response/access.ts';
import { type CookieProfile, cookieProfile, readCookies } from './cookie/cookie.ts';
import { SessionStore } from './object/session-store.ts';
import { createKeyring, createVerifier, type SignedId } from './cookie/signature.ts';

/** How many session cookies of one request are looked up. */
const candidateLimit = 5;

export interface SessionOptions {
  /** The name of the session cookie. */
  cookie: string;
  /** Newest first: the first one signs, each verifies. Asked for at each request, so that they may change. */
  secrets: () => string[];
  /** In production no session is set over plain HTTP. */
  production: boolean;
  log: Log;
  limits?: Partial<Limits>;
  /** The time in milliseconds. */
  now?: () => number;
}

/** Gives every request its `req.session`, as express-session does, and holds its answer until that is saved. */
export function sessions(driver: Driver, options: SessionOptions): RequestHandler {
  const { cookie, production } = options;
  const shared = share(driver, options);
  const verify = createVerifier();
  return async (req, res, next) => {
    // It is mounted twice.
    if (req.session) return next();
    const isAnswered = hasAnswer(res);
    if (isAnswered && isCrossSiteWrite(req)) return refuse(shared.log, req, res);
    const profile = cookieProfile(cookie, req.secure, production);
    req.sessionStore = shared.store;
    const access = new SessionAccess(req);
    try {
      const signed = await resume(shared, verify, req, profile);
      if (!signed) shared.store.generate(req);
      if (isAnswered) new Lifecycle(shared, req, res, { access, profile, signed });
    } catch (error) {
      shared.log.error({ err: error }, 'the session could not be read: the request was not handled');
      return isAnswered ? answerFailure(res, error) : next(error);
    }
    next();
  };
}

// A WebSocket's upgrade has a socket in its place, and is called with `{}`, as express-session allows.
function hasAnswer(res: Partial<Response>): boolean {
  return typeof res.end === 'function';
}

function share(driver: Driver, options: SessionOptions): Shared {
  const { cookie, secrets, production, log, limits, now = Date.now } = options;
  const all = { ...defaultLimits, ...limits };
  const keys = createKeyring(secrets);
  const records = new Records(withDeadline(driver, all.storeDeadlineMs), all, now, log);
  const store = new SessionStore(
    records,
    (req) => cookieProfile(cookie, req.secure, production),
    () => keys()[0].id,
  );
  return { store, records, keys, log };
}

/** The signed id of the first cookie whose session lives. Only a cookie counts, and only one that the server signed. */
async function resume(
  { store, keys }: Shared,
  verify: ReturnType<typeof createVerifier>,
  req: Request,
  profile: CookieProfile,
): Promise<SignedId | undefined> {
  let left = candidateLimit;
  for (const value of readCookies(req.headers.cookie, profile.name)) {
    const signed = verify(value, keys());
    if (!signed) continue;
    if (await store.resume(req, signed)) return signed;
    left -= 1;
    if (left === 0) return undefined;
  }
  return undefined;
}

function refuse(log: Log, req: Request, res: Response): void {
  const { method, originalUrl: url, headers } = req;
  const { origin, 'sec-fetch-site': site } = headers;
  log.warn({ method, url, origin, site }, 'a request from another site was refused');
  res.status(403).type('text').send('This request came from another site, and was refused.\n');
}

function answerFailure(res: Response, error: unknown): void {
  const { status, headers, body } = answerFor(error);
  res.status(status).set(headers).send(body);
}

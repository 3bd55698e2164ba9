import type { Request, RequestHandler } from 'express';
import type { Accounts } from './accounts.ts';
import { browserOf } from './browser.ts';
import type { User } from './store/types.ts';

declare module 'express-session' {
  interface SessionData {
    /** Names the owner of the session. */
    userId: string;
    passwordVersion: number;
    browser: string;
    loggedInAtMs: number;
    /** When the user last gave the password. */
    confirmedAtMs: number;
    notice: string | undefined;
  }
}

declare global {
  namespace Express {
    interface Request {
      /** Who is logged in. */
      user?: User;
    }
  }
}

/** How long after the password was given sensitive pages do not ask for it. */
const confirmedMs = 10 * 60 * 1000;

/** Finds the user of the session. A session from before the last change of the password ends. */
export function loadUser({ users }: Accounts): RequestHandler {
  return async (req, _res, next) => {
    const { userId, passwordVersion } = req.session;
    if (userId !== undefined) {
      const user = await users.get(userId);
      if (user?.passwordVersion === passwordVersion) req.user = user as User;
      else await regenerate(req);
    }
    next();
  };
}

/** Gives the browser a new session, which belongs to the user. */
export async function logIn(req: Request, user: User): Promise<void> {
  await regenerate(req);
  const nowMs = Date.now();
  req.session.userId = user.id;
  req.session.passwordVersion = user.passwordVersion;
  req.session.browser = browserOf(req.get('User-Agent'));
  req.session.loggedInAtMs = nowMs;
  req.session.confirmedAtMs = nowMs;
  req.user = user;
  req.log.info({ userId: user.id }, 'a user logged in');
}

/** Notes that the user has given the password, in a session with a new id. */
export async function confirm(req: Request, user: User): Promise<void> {
  const { loggedInAtMs } = req.session;
  await logIn(req, user);
  if (loggedInAtMs !== undefined) req.session.loggedInAtMs = loggedInAtMs;
}

/** Ends the session. The request has an empty one then. */
export function regenerate(req: Request): Promise<void> {
  delete req.user;
  return new Promise((resolve, reject) => {
    req.session.regenerate((error) => (error ? reject(error as Error) : resolve()));
  });
}

/** Lets nobody pass who is not logged in. */
export const requireUser: RequestHandler = (req, res, next) => {
  if (req.user) return next();
  res.redirect(303, `/login?next=${encodeURIComponent(pageOf(req))}`);
};

/** Lets nobody pass who has not given the password in the last minutes. After `requireUser`. */
export const requireRecentPassword: RequestHandler = (req, res, next) => {
  if (Date.now() - (req.session.confirmedAtMs ?? 0) < confirmedMs) return next();
  res.redirect(303, `/sudo?next=${encodeURIComponent(pageOf(req))}`);
};

// What a form would have done is not done after a login: its page is shown again.
function pageOf(req: Request): string {
  return req.method === 'GET' ? req.originalUrl : req.path.replace(/\/end$/, '');
}

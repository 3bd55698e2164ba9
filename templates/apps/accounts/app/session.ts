import type { Request, RequestHandler } from 'express';
import type { Accounts } from './accounts.ts';
import { browserOf } from './browser.ts';
import type { User } from './store/types.ts';

declare module 'express-session' {
  interface SessionData {
    /** The owner of the session. */
    userId: string;
    passwordVersion: number;
    browser: string;
    loggedInAtMs: number;
    /** When the user last entered the password. */
    confirmedAtMs: number;
    notice: string | undefined;
  }
}

declare global {
  namespace Express {
    interface Request {
      /** The logged-in user. */
      user?: User;
    }
  }
}

/** How long sensitive pages do not ask for the password after the user entered it. */
const confirmedMs = 10 * 60 * 1000;

/** Sets `req.user` to the user of the session. Ends a session that is older than the last password change. */
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

/** Gives the browser a new session that belongs to the user. */
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

/** Records that the user has entered the password, in a session with a new id. */
export async function confirm(req: Request, user: User): Promise<void> {
  const { loggedInAtMs } = req.session;
  await logIn(req, user);
  if (loggedInAtMs !== undefined) req.session.loggedInAtMs = loggedInAtMs;
}

/** Ends the session, and gives the request a new, empty one. */
export async function regenerate(req: Request): Promise<void> {
  delete req.user;
  await req.session.regenerate();
}

/** Redirects to the login page unless a user is logged in. */
export const requireUser: RequestHandler = (req, res, next) => {
  if (req.user) return next();
  res.redirect(303, `/login?next=${encodeURIComponent(pageOf(req))}`);
};

/** Asks for the password, unless the user entered it in the last minutes. Use it after `requireUser`. */
export const requireRecentPassword: RequestHandler = (req, res, next) => {
  if (Date.now() - (req.session.confirmedAtMs ?? 0) < confirmedMs) return next();
  res.redirect(303, `/sudo?next=${encodeURIComponent(pageOf(req))}`);
};

// A form is not submitted again after a login: the user returns to the page of the form.
function pageOf(req: Request): string {
  return req.method === 'GET' ? req.originalUrl : req.path.replace(/\/end$/, '');
}

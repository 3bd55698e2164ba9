import type { RequestHandler } from 'express';
import session from 'express-session';
import type { Driver } from './driver.ts';
import { DriverStore, idleMs } from './driver-store.ts';

export interface SessionSettings {
  /** The name of the session cookie. */
  cookie: string;
  /** Newest first: the first one signs, each verifies. */
  secrets: string[];
}

/** Gives every request its `req.session`, kept in the driver's store. */
export function sessions(driver: Driver, { cookie, secrets }: SessionSettings): RequestHandler {
  return session({
    name: cookie,
    secret: secrets,
    store: new DriverStore(driver),
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax', secure: 'auto', maxAge: idleMs },
  });
}

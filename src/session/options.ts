import type { Store, CookieOptions as TheirCookieOptions, SessionOptions as TheirOptions } from 'express-session';
import type { Driver, Log } from '../stores/driver.ts';
import type { Limits } from './data/limits.ts';
import type { SecretOption } from './secret-option.ts';

/** One of `sessapp/stores/*`, or any express-session store. */
export type AnyStore = Driver | Store;

/** The store whose sessions move to another one. */
export interface Adoption {
  store: AnyStore;
  /**
   * How long after its start a process leaves sessions in this store, and creates new ones there, in milliseconds: as long as
   * the application may run beside it as it was. By default 10 minutes. `Infinity`: sessions never move.
   */
  moveAfterMs?: number;
}

/** A request of Express; a function of an IncomingMessage takes it, too. */
type Request = Parameters<NonNullable<TheirOptions['genid']>>[0];

/** What the session cookie looks like. With 'auto' it depends on whether the connection is encrypted. */
export interface CookieOptions extends Omit<TheirCookieOptions, 'sameSite'> {
  sameSite?: TheirCookieOptions['sameSite'] | 'auto';
}

/** The options of express-session, and ours. */
export interface SessionOptions {
  /**
   * Signs the cookie. Of several, newest first, the first one signs and each verifies; as a function it is asked for them
   * at each request, so that they may change.
   */
  secret: SecretOption;
  /**
   * One of `sessapp/stores/*`, or any express-session store. By default the embedded store, in `data/sessions` beside the
   * package.json of the application.
   */
  store?: AnyStore | undefined;
  /** The store that the application used until now: its sessions move to `store`, and nobody is logged out. */
  adopt?: AnyStore | Adoption | undefined;
  /** The cookie's name. By default `connect.sid`. */
  name?: string | undefined;
  /** The same, as express-session 1.0 called it. */
  key?: string | undefined;
  /** The cookie's attributes, or a function of the request that returns them. */
  cookie?: CookieOptions | ((req: Request) => CookieOptions) | undefined;
  /** True: X-Forwarded-Proto says whether a connection is encrypted. By default what Express says counts. */
  proxy?: boolean | undefined;
  /** Makes the id of a new session. It must be unique, and nobody may be able to guess it. */
  genid?(req: Request): string;
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

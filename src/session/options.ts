import type { Store, CookieOptions as TheirCookieOptions, SessionOptions as TheirOptions } from 'express-session';
import type { Driver, Log } from '../stores/driver.ts';
import type { SomeLimits } from './data/limits.ts';
import type { SecretOption } from './secret-option.ts';

/** A store of `sessapp/stores/*`, or any express-session store. */
export type AnyStore = Driver | Store;

/** The old store whose sessions move to the new one. */
export interface Adoption {
  store: AnyStore;
  /**
   * How long after its start a process keeps using this store before it moves sessions, in milliseconds. Choose the time for
   * which the old version of the application may still run. By default 10 minutes. `Infinity`: sessions never move.
   */
  moveAfterMs?: number | undefined;
}

/** A request of Express. A function whose parameter is an IncomingMessage accepts it too. */
type Request = Parameters<NonNullable<TheirOptions['genid']>>[0];

/** The attributes of the session cookie. 'auto' depends on whether the connection is encrypted. */
export interface CookieOptions extends Omit<TheirCookieOptions, 'sameSite'> {
  sameSite?: TheirCookieOptions['sameSite'] | 'auto' | undefined;
}

/** The options of express-session, and the options that this library adds. */
export interface SessionOptions {
  /**
   * Signs the session cookie. In an array, newest first, the first secret signs and all of them verify. A function returns such
   * an array and is called for each request, so the secrets may change while the application runs.
   */
  secret: SecretOption;
  /**
   * A store of `sessapp/stores/*`, or any express-session store. By default the embedded store in the directory `data/sessions`,
   * next to the application's package.json.
   */
  store?: AnyStore | undefined;
  /** The store that the application used before. Its sessions move to `store`, and no user is logged out. */
  adopt?: AnyStore | Adoption | undefined;
  /** The cookie's name. By default `connect.sid`. */
  name?: string | undefined;
  /** The old name of the option `name`, from express-session 1.0. */
  key?: string | undefined;
  /** The cookie's attributes, or a function that returns them for a request. */
  cookie?: CookieOptions | ((req: Request) => CookieOptions) | undefined;
  /** True: trust X-Forwarded-Proto. False: ignore it. By default, `req.secure` of Express decides. */
  proxy?: boolean | undefined;
  /** Creates the id of a new session. The id must be unique and impossible to guess. */
  genid?: TheirOptions['genid'] | undefined;
  /**
   * True: every request with a session extends it. False: a request extends it once a tenth of the idle time has passed. By
   * default false. With an express-session store, every request extends a session, as with express-session.
   */
  resave?: boolean | undefined;
  /** True: set the cookie on every response. By default false. */
  rolling?: boolean | undefined;
  /** Whether to store a new session, and set its cookie, even when it is empty. By default true. */
  saveUninitialized?: boolean | undefined;
  /** 'destroy': setting `req.session` to null destroys the session. By default 'keep'. */
  unset?: 'destroy' | 'keep' | undefined;
  /** The lifetime and size of sessions, and the time of a store call. */
  limits?: SomeLimits | undefined;
  /** Receives warnings and errors. By default they go to stderr. */
  log?: Log | undefined;
  /** Returns the time in milliseconds since 1970, for tests. By default the system's clock. */
  now?: (() => number) | undefined;
}

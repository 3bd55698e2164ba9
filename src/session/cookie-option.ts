import type { Log } from '../stores/driver.ts';
import { type CookieProfile, profilesOf } from './cookie/cookie.ts';
import { isSecure, type Request, trustProxy } from './http.ts';
import type { CookieOptions, SessionOptions } from './options.ts';

// RFC 9110, section 5.6.2: token.
const token = /^[\w!#$%&'*+.^`|~-]+$/;
const sameSites = ['lax', 'strict', 'none'];

/**
 * Returns a function that gives the session cookie's name and attributes for a request. It throws a TypeError when the
 * function of the option `cookie` returns an attribute that is not valid.
 */
export function createProfile(options: Partial<SessionOptions>, log: Log): (req: Request) => CookieProfile {
  const { name = options.key ?? 'connect.sid', cookie = {}, now = () => Date.now() } = options;
  const isEncrypted = encryptionOf(options, log);
  if (typeof cookie === 'function')
    return (req) => {
      // The type of the function's parameter is the application's own request type.
      const attributes = cookie(req as never);
      verifyAttributes(attributes);
      return toProfile(name, attributes, isEncrypted(req), now);
    };
  // With a fixed expiry date, the lifetime depends on the time of the request.
  if (expiryOf(cookie) instanceof Date) return (req) => toProfile(name, cookie, isEncrypted(req), now);
  const profileOf = profilesOf((encrypted) => toProfile(name, cookie, encrypted, now));
  return (req) => profileOf(isEncrypted(req));
}

/** Returns whether the connection is encrypted. Logs once if that depends on a proxy that nobody said to trust. */
function encryptionOf({ cookie, proxy }: Partial<SessionOptions>, log: Log): (req: Request) => boolean {
  let mayReport = proxy === undefined && typeof cookie === 'object' && cookie.secure === 'auto';
  return (req) => {
    const isEncrypted = isSecure(req, proxy);
    if (mayReport && !isEncrypted && isSecure(req, true)) {
      mayReport = false;
      log.warn({}, `a session cookie was set without Secure, because X-Forwarded-Proto is not trusted. ${trustProxy}`);
    }
    return isEncrypted;
  };
}

/** Logs a warning when browsers would refuse the cookie. */
export function reportRefused({ sameSite, secure }: CookieOptions, log: Log): void {
  if (lowerCase(sameSite) === 'none' && !secure)
    log.warn(
      {},
      "browsers refuse the session cookie: cookie.sameSite is 'none', so cookie.secure must be true or 'auto'",
    );
}

/** @throws TypeError when the cookie's name or an attribute is not valid */
export function verifyCookieOptions({ name, key, cookie }: Partial<SessionOptions>): void {
  if (name !== undefined) verifyName('name', name);
  else if (key !== undefined) verifyName('key', key);
  if (cookie !== undefined && typeof cookie !== 'function') verifyAttributes(cookie);
}

/**
 * When the cookie expires: a date, or a number of milliseconds. Null: when the browser closes. If both `maxAge` and `expires`
 * are set, the last one counts.
 */
export function expiryOf(cookie: CookieOptions): Date | number | null {
  const expiry = cookie[expiryNameOf(cookie)] as unknown;
  return expiry instanceof Date || typeof expiry === 'number' ? expiry : null;
}

function toProfile(name: string, cookie: CookieOptions, isEncrypted: boolean, now: () => number): CookieProfile {
  const { path = '/', httpOnly = true, secure = false, sameSite, maxAge: _, expires: __, ...others } = cookie;
  const site = sameSite === 'auto' ? (isEncrypted ? 'none' : 'lax') : sameSite;
  const attributes = { ...others, path, httpOnly, secure: secure === 'auto' ? isEncrypted : secure, sameSite: site };
  const expiry = expiryOf(cookie);
  return { name, attributes, isEncrypted, maxAgeMs: expiry instanceof Date ? expiry.getTime() - now() : expiry };
}

function expiryNameOf(cookie: CookieOptions): 'maxAge' | 'expires' {
  return Object.keys(cookie).findLast((key) => key === 'maxAge' || key === 'expires') === 'maxAge'
    ? 'maxAge'
    : 'expires';
}

function verifyName(option: 'name' | 'key', name: unknown): void {
  if (typeof name !== 'string' || !token.test(name))
    throw new TypeError(`${option} option must be a string of letters, digits and the characters !#$%&'*+-.^_\`|~`);
}

function verifyAttributes(cookie: unknown): void {
  if (typeof cookie !== 'object' || cookie === null)
    throw new TypeError('cookie option must be an object with attributes, or a function that returns one');
  const { sameSite, secure, maxAge } = cookie as CookieOptions;
  // A text is often from an environment variable: 'false' would be true.
  if (typeof secure === 'string' && secure !== 'auto' && secure !== '')
    throw new TypeError("cookie.secure option must be true, false or 'auto'");
  const isSite = !sameSite || sameSite === true || sameSite === 'auto' || sameSites.includes(lowerCase(sameSite));
  if (!isSite) throw new TypeError("cookie.sameSite option must be true, false, 'lax', 'strict', 'none' or 'auto'");
  // As express-session does, reject a `maxAge` of a wrong type even when `expires` replaces it.
  if (!isLifetime(maxAge))
    throw new TypeError('cookie.maxAge option must be a number of milliseconds, or null: until the browser closes');
  if (!isLifetime((cookie as CookieOptions)[expiryNameOf(cookie)]))
    throw new TypeError('cookie.expires option must be a Date, or null: until the browser closes');
}

// express-session also accepts a Date in `maxAge` and a number of milliseconds in `expires`.
function isLifetime(value: unknown): boolean {
  return typeof value === 'number' ? Number.isFinite(value) : !value || value instanceof Date;
}

function lowerCase(value: unknown): string {
  return String(value).toLowerCase();
}

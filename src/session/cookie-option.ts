import { type CookieProfile, profilesOf } from './cookie/cookie.ts';
import { isSecure, type Request } from './http.ts';
import type { CookieOptions, SessionOptions } from './options.ts';

/** Returns a function that gives the session cookie's name and attributes for a request. */
export function createProfile(options: Partial<SessionOptions>): (req: Request) => CookieProfile {
  const { name = options.key ?? 'connect.sid', cookie = {}, proxy } = options;
  // The type of the function's parameter is the application's own request type.
  if (typeof cookie === 'function') return (req) => toProfile(name, cookie(req as never), isSecure(req, proxy));
  // With a fixed expiry date, the lifetime depends on the time of the request.
  if (expiryOf(cookie) instanceof Date) return (req) => toProfile(name, cookie, isSecure(req, proxy));
  const profileOf = profilesOf((isEncrypted) => toProfile(name, cookie, isEncrypted));
  return (req) => profileOf(isSecure(req, proxy));
}

/**
 * When the cookie expires: a date, or a number of milliseconds. Null: when the browser closes. If both `maxAge` and `expires`
 * are set, the last one counts.
 */
export function expiryOf(cookie: CookieOptions): Date | number | null {
  const last = Object.keys(cookie).findLast((key) => key === 'maxAge' || key === 'expires');
  const expiry: unknown = last === 'maxAge' ? cookie.maxAge : cookie.expires;
  return expiry instanceof Date || typeof expiry === 'number' ? expiry : null;
}

function toProfile(name: string, cookie: CookieOptions, isEncrypted: boolean): CookieProfile {
  const { path = '/', httpOnly = true, secure = false, sameSite, maxAge: _, expires: __, ...others } = cookie;
  const site = sameSite === 'auto' ? (isEncrypted ? 'none' : 'lax') : sameSite;
  const attributes = { ...others, path, httpOnly, secure: secure === 'auto' ? isEncrypted : secure, sameSite: site };
  const expiry = expiryOf(cookie);
  return { name, attributes, isEncrypted, maxAgeMs: expiry instanceof Date ? expiry.getTime() - Date.now() : expiry };
}

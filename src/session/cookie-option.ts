import { type CookieProfile, profilesOf } from './cookie/cookie.ts';
import { isSecure, type Request } from './http.ts';
import type { CookieOptions, SessionOptions } from './options.ts';

/** What the cookie looks like for a request. */
export function createProfile(options: Partial<SessionOptions>): (req: Request) => CookieProfile {
  const { name = options.key ?? 'connect.sid', cookie = {}, proxy } = options;
  // The function is called with what it was made for: the application's own requests.
  if (typeof cookie === 'function') return (req) => toProfile(name, cookie(req as never), isSecure(req, proxy));
  // The time until a fixed end depends on when a session begins.
  if (expiryOf(cookie) instanceof Date) return (req) => toProfile(name, cookie, isSecure(req, proxy));
  const profileOf = profilesOf((isEncrypted) => toProfile(name, cookie, isEncrypted));
  return (req) => profileOf(isSecure(req, proxy));
}

/** When the cookie ends: at a time, or after so many milliseconds. Null: with the browser. The last of the two options counts. */
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

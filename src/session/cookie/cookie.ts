import type { Cookie } from 'express-session';

/** The attributes that an application sets for the session cookie. */
export interface CookieAttributes {
  path: string;
  httpOnly: boolean;
  secure: boolean;
  /** True is the same as 'strict'. */
  sameSite?: 'lax' | 'strict' | 'none' | boolean | undefined;
  domain?: string | undefined;
  partitioned?: boolean | undefined;
  priority?: 'low' | 'medium' | 'high' | undefined;
}

/** The session cookie's name, attributes and lifetime for a request. */
export interface CookieProfile {
  name: string;
  attributes: CookieAttributes;
  /** Whether the request's connection is encrypted. */
  isEncrypted: boolean;
  /**
   * The lifetime of a new session's cookie. A number or null (until the browser closes): the cookie follows
   * `req.session.cookie`, including the application's changes. Undefined: the cookie lives as long as the session can, and
   * always has these attributes.
   */
  maxAgeMs?: number | null;
}

/** False for a secure cookie on a connection that is not encrypted: a browser would drop it, or a third party could read it. */
export function canBeSet({ attributes, isEncrypted, maxAgeMs }: CookieProfile, cookie?: Partial<Cookie>): boolean {
  const secure = maxAgeMs === undefined ? attributes.secure : (cookie?.secure ?? attributes.secure);
  return secure !== true || isEncrypted;
}

/**
 * The profile that an environment uses. Over HTTPS, and always in production, the `__Host-` prefix binds the cookie to this
 * host and to HTTPS. Otherwise a cookie that was once sent over plain HTTP could be stolen and used over HTTPS. In
 * development, plain HTTP has a separate cookie.
 */
export function strictProfile(name: string, isSecure: boolean, production: boolean): CookieProfile {
  const secure = isSecure || production;
  const attributes = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;
  return { name: secure ? `__Host-${name}` : name, attributes, isEncrypted: isSecure };
}

/** Creates the profiles for plain and for encrypted connections once, and selects one. */
export function profilesOf(create: (isSecure: boolean) => CookieProfile): (isSecure: boolean) => CookieProfile {
  const [plain, encrypted] = [create(false), create(true)];
  return (isSecure) => (isSecure ? encrypted : plain);
}

/** The values of all cookies with this name. A browser may send several after the path or the domain changed. */
export function readCookies(header: string | undefined, name: string): string[] {
  const values: string[] = [];
  if (!header?.includes(name)) return values;
  for (const pair of header.split(';')) {
    const equalsAt = pair.indexOf('=');
    if (equalsAt === -1 || pair.slice(0, equalsAt).trim() !== name) continue;
    const value = decode(unquote(pair.slice(equalsAt + 1).trim()));
    if (value !== undefined) values.push(value);
  }
  return values;
}

/** Renders an environment's cookie. @param maxAgeMs undefined for a cookie that expires when the browser closes */
export function renderCookie({ name, attributes }: CookieProfile, value: string, maxAgeMs: number | undefined): string {
  const age = maxAgeMs === undefined ? '' : `; Max-Age=${Math.max(0, Math.floor(maxAgeMs / 1000))}`;
  return `${name}=${encodeURIComponent(value)}; Path=/${age}; HttpOnly; SameSite=Lax${attributes.secure ? '; Secure' : ''}`;
}

// RFC 6265 allows quotes around a value.
function unquote(value: string): string {
  return value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

function decode(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

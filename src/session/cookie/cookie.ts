import type { Cookie } from 'express-session';

/** What an application says of the session cookie. */
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

/** What the session cookie looks like for a request. */
export interface CookieProfile {
  name: string;
  attributes: CookieAttributes;
  /** Whether the request's connection is encrypted. */
  isEncrypted: boolean;
  /**
   * How long the cookie of a new session lives: null ends it with the browser. Then the cookie is that of the session
   * object, with all that the application changes in `req.session.cookie`. Undefined: it lives as long as the session can,
   * and has these attributes whatever the application does.
   */
  maxAgeMs?: number | null;
}

/** False: a browser would drop the cookie, or somebody could read it on its way. */
export function canBeSet({ attributes, isEncrypted, maxAgeMs }: CookieProfile, cookie?: Partial<Cookie>): boolean {
  const secure = maxAgeMs === undefined ? attributes.secure : (cookie?.secure ?? attributes.secure);
  return secure !== true || isEncrypted;
}

/**
 * Of an environment. Over HTTPS the `__Host-` prefix binds the cookie to this host, and to HTTPS. In production it always
 * does: a cookie that left over plain HTTP once could be stolen and used over HTTPS. In development plain HTTP has a
 * cookie of its own.
 */
export function strictProfile(name: string, isSecure: boolean, production: boolean): CookieProfile {
  const secure = isSecure || production;
  const attributes = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;
  return { name: secure ? `__Host-${name}` : name, attributes, isEncrypted: isSecure };
}

/** The profiles of requests over plain and over encrypted connections, each made once. */
export function profilesOf(create: (isSecure: boolean) => CookieProfile): (isSecure: boolean) => CookieProfile {
  const [plain, encrypted] = [create(false), create(true)];
  return (isSecure) => (isSecure ? encrypted : plain);
}

/** The values of every cookie of this name: a browser sends several after a change of path or domain. */
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

/** Of an environment. @param maxAgeMs undefined for a cookie that ends with the browser */
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

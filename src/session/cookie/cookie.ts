/** What an application says of the session cookie. */
export interface CookieAttributes {
  path: string;
  httpOnly: boolean;
  secure: boolean;
  sameSite?: 'lax' | 'strict' | 'none' | undefined;
  domain?: string | undefined;
  partitioned?: boolean | undefined;
  priority?: 'low' | 'medium' | 'high' | undefined;
}

/** What the session cookie looks like for a request. */
export interface CookieProfile {
  name: string;
  attributes: CookieAttributes;
  /** False: a browser would drop the cookie, or somebody could read it on its way. */
  canBeSet: boolean;
}

/**
 * Of an environment. Over HTTPS the `__Host-` prefix binds the cookie to this host, and to HTTPS. In production it always
 * does: a cookie that left over plain HTTP once could be stolen and used over HTTPS. In development plain HTTP has a
 * cookie of its own.
 */
export function strictProfile(name: string, isSecure: boolean, production: boolean): CookieProfile {
  const secure = isSecure || production;
  const canBeSet = isSecure || !production;
  const attributes = { path: '/', httpOnly: true, sameSite: 'lax', secure } as const;
  return { name: secure ? `__Host-${name}` : name, attributes, canBeSet };
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
    const end = pair.indexOf('=');
    if (end === -1 || pair.slice(0, end).trim() !== name) continue;
    const value = decode(pair.slice(end + 1).trim());
    if (value !== undefined) values.push(value);
  }
  return values;
}

/** @param maxAgeMs undefined for a cookie that ends with the browser */
export function renderCookie({ name, attributes }: CookieProfile, value: string, maxAgeMs: number | undefined): string {
  const { secure, path, httpOnly, sameSite, domain, partitioned, priority } = attributes;
  const age = maxAgeMs === undefined ? '' : `; Max-Age=${Math.max(0, Math.floor(maxAgeMs / 1000))}`;
  return [
    `${name}=${encodeURIComponent(value)}`,
    domain === undefined ? '' : `; Domain=${domain}`,
    `; Path=${path}${age}`,
    httpOnly ? '; HttpOnly' : '',
    sameSite === undefined ? '' : `; SameSite=${capitalize(sameSite)}`,
    secure ? '; Secure' : '',
    partitioned ? '; Partitioned' : '',
    priority === undefined ? '' : `; Priority=${capitalize(priority)}`,
  ].join('');
}

function capitalize(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function decode(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

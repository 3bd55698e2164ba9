const redirectLimit = 20;

/**
 * Fetches a path of the test's server, with the cookies that its responses have set, and follows redirects as a browser
 * does. With `redirect: 'manual'` it follows none.
 */
export type Browser = (path: string, init?: RequestInit) => Promise<Response>;

/** @param now by what the cookies end, in milliseconds since 1970 */
export function createBrowser(url: string, now: () => number): Browser {
  const cookies = new Cookies(now);
  const send = async (target: URL, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers);
    const cookie = cookies.render(target.pathname);
    if (cookie !== '' && !headers.has('Cookie')) headers.set('Cookie', cookie);
    const response = await fetch(target, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) cookies.keep(line);
    return response;
  };
  return async (path, init = {}) => {
    let target = new URL(path, url);
    let request = init;
    for (let count = 0; count <= redirectLimit; count += 1) {
      const response = await send(target, request);
      const location = redirectOf(response);
      if (location === undefined || init.redirect === 'manual') return response;
      await response.body?.cancel();
      target = new URL(location, target);
      request = toRedirected(request, response.status);
    }
    throw new Error(`${path} redirects more than ${redirectLimit} times`);
  };
}

function redirectOf({ status, headers }: Response): string | undefined {
  return [301, 302, 303, 307, 308].includes(status) ? (headers.get('Location') ?? undefined) : undefined;
}

// 307 and 308 send the same once more, the others ask for a page.
function toRedirected(init: RequestInit, status: number): RequestInit {
  if (status === 307 || status === 308) return init;
  const { body: _, ...rest } = init;
  const headers = new Headers(rest.headers);
  headers.delete('Content-Type');
  return { ...rest, headers, method: rest.method === 'HEAD' ? 'HEAD' : 'GET' };
}

interface Kept {
  value: string;
  path: string;
  /** Infinity: as long as the browser is open. */
  expiresAtMs: number;
}

/** The cookies of one browser, which knows one host. */
class Cookies {
  readonly #kept = new Map<string, Kept>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param line a Set-Cookie header */
  keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
    const said = new Map(attributes.map(splitAtEqual).map(([name, value]) => [name.toLowerCase(), value]));
    const [name, value] = splitAtEqual(pair);
    this.#kept.set(name, { value, path: said.get('path') ?? '/', expiresAtMs: this.#expiryOf(said) });
  }

  /** The Cookie header for a path; empty without any cookie. */
  render(path: string): string {
    const sent = [...this.#kept].filter(([, kept]) => kept.expiresAtMs > this.#now() && isBelow(kept.path, path));
    return sent.map(([name, { value }]) => `${name}=${value}`).join('; ');
  }

  #expiryOf(said: Map<string, string>): number {
    const maxAge = said.get('max-age');
    if (maxAge !== undefined) return this.#now() + Number(maxAge) * 1000;
    const expires = said.get('expires');
    return expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(expires);
  }
}

function isBelow(cookiePath: string, path: string): boolean {
  return path === cookiePath || path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`);
}

function splitAtEqual(text: string): [string, string] {
  const at = text.indexOf('=');
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

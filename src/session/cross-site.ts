import type { Request } from './http.ts';

const readingMethods = ['GET', 'HEAD', 'OPTIONS'];

/** Exceptions: cross-site requests that may change something. */
export interface CrossSite {
  /** Trusted origins, such as `https://app.example.com`. */
  allow?: string[];
  /** Paths that other sites may post to, such as the callback of a payment service. */
  exempt?: string[];
}

/**
 * True when another site made a browser send a request that may change something. Browsers send the origin of a request, and
 * a page cannot forge it. A client that sends neither Origin nor Sec-Fetch-Site is not a browser, so it holds no user's cookie
 * that another site could abuse.
 * @param host this server's host and port, as the client sees them
 */
export function isCrossSiteWrite(req: Request, host: string, { allow = [], exempt = [] }: CrossSite = {}): boolean {
  if (readingMethods.includes(req.method ?? '')) return false;
  const { origin, 'sec-fetch-site': site } = req.headers;
  if (origin !== undefined && allow.includes(origin)) return false;
  if (exempt.includes(pathOf(req))) return false;
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && !isAt(origin, host);
}

// Express removes a router's mount path from `url`.
function pathOf({ originalUrl, url = '' }: Request): string {
  return (originalUrl ?? url).replace(/[?#].*$/s, '');
}

// 'null' is the origin of a sandboxed page, not a host. The host may include the default port.
function isAt(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: named } = new URL(origin);
  const here = `${protocol}//${host}`;
  return URL.canParse(here) && new URL(here).host === named;
}

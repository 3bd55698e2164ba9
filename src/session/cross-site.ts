import type { Request } from './http.ts';

const readingMethods = ['GET', 'HEAD', 'OPTIONS'];

/** Which requests of other sites may change something all the same. */
export interface CrossSite {
  /** Origins that are trusted, such as `https://app.example.com`. */
  allow?: string[];
  /** Paths that other sites may post to, such as the callback of a payment service. */
  exempt?: string[];
}

/**
 * True for a request that another site makes a browser send, and that may change something. A browser says where a
 * request comes from, and a page cannot make it lie; a client that says nothing is not a browser, and has no one's
 * cookie to misuse.
 * @param host the host of this server, as the client sees it, with its port
 */
export function isCrossSiteWrite(req: Request, host: string, { allow = [], exempt = [] }: CrossSite = {}): boolean {
  if (readingMethods.includes(req.method ?? '')) return false;
  const { origin, 'sec-fetch-site': site } = req.headers;
  if (origin !== undefined && allow.includes(origin)) return false;
  if (exempt.includes(pathOf(req))) return false;
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && !isAt(origin, host);
}

// Express takes the path that a router is mounted at out of `url`.
function pathOf({ originalUrl, url = '' }: Request): string {
  return (originalUrl ?? url).replace(/[?#].*$/s, '');
}

// 'null' is the origin of a sandboxed page, and not a host. A host may name the port that goes without saying.
function isAt(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: named } = new URL(origin);
  const here = `${protocol}//${host}`;
  return URL.canParse(here) && new URL(here).host === named;
}

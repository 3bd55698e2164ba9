import type { Request } from 'express';

const readingMethods = ['GET', 'HEAD', 'OPTIONS'];

/**
 * True for a request that another site makes a browser send, and that may change something. A browser says where a
 * request comes from, and a page cannot make it lie; what says nothing is no browser, and has no one's cookie to misuse.
 */
export function isCrossSiteWrite(req: Request): boolean {
  if (readingMethods.includes(req.method)) return false;
  const site = req.get('sec-fetch-site');
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  const origin = req.get('origin');
  return origin !== undefined && !isAt(origin, req.host ?? '');
}

// 'null' is the origin of a sandboxed page, and no host. A host may name the port that goes without saying.
function isAt(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { protocol, host: named } = new URL(origin);
  const here = `${protocol}//${host}`;
  return URL.canParse(here) && new URL(here).host === named;
}

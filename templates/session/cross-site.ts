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
  return origin !== undefined && hostOf(origin) !== req.host?.toLowerCase();
}

// 'null' is the origin of a sandboxed page, and no host.
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

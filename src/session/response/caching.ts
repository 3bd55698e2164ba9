import { type Response, vary } from '../http.ts';

/**
 * Keeps a response that depends on the session out of shared caches. The handler's Cache-Control stays if it contains `private`
 * or `no-store`, and the response sets no cookie. With `public`, which `res.sendFile` sets by itself, a cache would give one
 * user's page to another user.
 */
export function keepPrivate(res: Response, setsCookie: boolean): void {
  vary(res, 'Cookie');
  const wanted = withoutQuotes(res.getHeader('Cache-Control'));
  if (!setsCookie && /(^|,)\s*(private|no-store)\s*(,|$)/i.test(wanted)) return;
  // Server-sent events need `no-transform`: a proxy that compresses them delays them.
  const isKept = /\bno-transform\b/i.test(wanted);
  res.setHeader('Cache-Control', isKept ? 'private, no-store, no-transform' : 'private, no-store');
}

// A quoted value, as in `private="X-Name"`, applies only to the named header.
function withoutQuotes(value: unknown): string {
  return String(value ?? '').replace(/"[^"]*"/g, '""');
}

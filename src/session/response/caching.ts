import { type Response, vary } from '../http.ts';

/**
 * Keeps an answer that depends on the session out of caches that serve others. What the handler says of caching stays
 * when it is as strict; `public`, which `res.sendFile` says by itself, would hand one user's page to the next.
 */
export function keepPrivate(res: Response, setsCookie: boolean): void {
  vary(res, 'Cookie');
  const wanted = withoutQuotes(res.getHeader('Cache-Control'));
  if (!setsCookie && /(^|,)\s*(private|no-store)\s*(,|$)/i.test(wanted)) return;
  // Streams of events need it: a proxy that compresses them keeps them back.
  const isKept = /\bno-transform\b/i.test(wanted);
  res.setHeader('Cache-Control', isKept ? 'private, no-store, no-transform' : 'private, no-store');
}

// What stands in quotes, as in `private="X-Name"`, is about that header alone.
function withoutQuotes(value: unknown): string {
  return String(value ?? '').replace(/"[^"]*"/g, '""');
}

import type { Response } from 'express';

/**
 * Keeps an answer that depends on the session out of caches that serve others. What the handler says of caching stays
 * when it is as strict; `public`, which `res.sendFile` says by itself, would hand one user's page to the next.
 */
export function keepPrivate(res: Response, setsCookie: boolean): void {
  if (res.hasHeader('Vary')) res.vary('Cookie');
  else res.setHeader('Vary', 'Cookie');
  const wanted = String(res.getHeader('Cache-Control') ?? '');
  const isStrict = /\b(private|no-store)\b/i.test(wanted);
  if (setsCookie || !isStrict) res.setHeader('Cache-Control', 'private, no-store');
}

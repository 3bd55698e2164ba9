import { isIPv6 } from 'node:net';
import type { Request } from 'express';

/** A field of the form that was sent; empty when there is none, or several of its name. */
export function fieldOf(req: Request, name: string): string {
  const { [name]: value } = (req.body ?? {}) as Record<string, unknown>;
  return typeof value === 'string' ? value : '';
}

/** The field `email` as accounts are found by it. */
export function emailOf(req: Request): string {
  return fieldOf(req, 'email').trim().normalize('NFC').toLowerCase();
}

/** True for what can be an email address. Whether it is one, the link tells that is sent there. */
export function isEmail(text: string): boolean {
  return text.length <= 254 && /^[^\s@\p{C}]+@[^\s@\p{C}]+$/u.test(text);
}

/** Who sends the request, as far as TRUST_PROXY lets it be known. One who has an IPv6 address has a whole /64 of them. */
export function clientOf({ ip = '' }: Request): string {
  if (!isIPv6(ip) || ip.includes('.')) return ip.replace(/^::ffff:/i, '');
  const [before = '', after] = ip.split('::');
  const first = before.split(':').filter(Boolean);
  const last = (after ?? '').split(':').filter(Boolean);
  const zeros = after === undefined ? [] : Array(8 - first.length - last.length).fill('0');
  return [...first, ...zeros, ...last].slice(0, 4).join(':');
}

/** Where to go after a login: `next`, when it is a path of this site, or else the first page. */
export function nextOf(next: unknown): string {
  const site = 'http://site.invalid';
  if (typeof next !== 'string' || !next.startsWith('/') || !URL.canParse(next, site)) return '/';
  const { origin, pathname, search } = new URL(next, site);
  // A browser takes //host, and also /\host, for another site.
  return origin === site && !pathname.startsWith('//') ? pathname + search : '/';
}

import { isIPv6 } from 'node:net';
import type { Request } from 'express';

/** A field of the submitted form; an empty string when it is missing or occurs several times. */
export function fieldOf(req: Request, name: string): string {
  const { [name]: value } = (req.body ?? {}) as Record<string, unknown>;
  return typeof value === 'string' ? value : '';
}

/** The field `email`, normalized as it is in the store. */
export function emailOf(req: Request): string {
  return fieldOf(req, 'email').trim().normalize('NFC').toLowerCase();
}

/** True for text that looks like an email address. Only the link in a mail proves that the address exists. */
export function isEmail(text: string): boolean {
  return text.length <= 254 && /^[^\s@\p{C}]+@[^\s@\p{C}]+$/u.test(text);
}

/** The client's IP address, according to TRUST_PROXY. For IPv6, its /64 network: one client can use every address there. */
export function clientOf({ ip = '' }: Request): string {
  if (!isIPv6(ip) || ip.includes('.')) return ip.replace(/^::ffff:/i, '');
  const [before = '', after] = ip.split('::');
  const first = before.split(':').filter(Boolean);
  const last = (after ?? '').split(':').filter(Boolean);
  const zeros = after === undefined ? [] : Array(8 - first.length - last.length).fill('0');
  return [...first, ...zeros, ...last].slice(0, 4).join(':');
}

/** The path to go to after a login: `next` if it is a path of this site, otherwise the home page. */
export function nextOf(next: unknown): string {
  const site = 'http://site.invalid';
  if (typeof next !== 'string' || !next.startsWith('/') || !URL.canParse(next, site)) return '/';
  const { origin, pathname, search } = new URL(next, site);
  // A browser treats //host, and also /\host, as another site.
  return origin === site && !pathname.startsWith('//') ? pathname + search : '/';
}

import { createHash, randomBytes } from 'node:crypto';

/** How long a link in a mail can be used. */
export const linkMs = 60 * 60 * 1000;

/** 256 random bits, for a link. */
export function createToken(): string {
  return randomBytes(32).toString('base64url');
}

/** Under which the store keeps a token: who reads the store cannot use it. */
export function tokenKey(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

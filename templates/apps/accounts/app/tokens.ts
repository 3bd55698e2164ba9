import { createHash, randomBytes } from 'node:crypto';

/** How long a link in a mail is valid. */
export const linkMs = 60 * 60 * 1000;

/** 256 random bits, for a link. */
export function createToken(): string {
  return randomBytes(32).toString('base64url');
}

/** The store's key for a token: its hash, so that nobody can use a token that was read from the store. */
export function tokenKey(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

import { hash } from 'node:crypto';

/** The indexes of all stores take so many characters. A subject of OpenID Connect is not longer. */
const plainLength = 255;
const mark = 'sha256:';

/**
 * A user's name as stores have it. No two users have the same: a name that an index cannot take whole is stored as its
 * hash, and so is one that looks like a hash.
 */
export function toOwner(name: string): string {
  const isPlain = name.length <= plainLength && !/\p{Surrogate}/u.test(name) && !name.startsWith(mark);
  // JSON writes half of a character as an escape; in UTF-8 all halves are the same.
  return isPlain ? name : mark + hash('sha256', JSON.stringify(name), 'base64url');
}

/** The same, for a person who may also give the owner as a list of sessions shows it. */
export function toListedOwner(name: string): string {
  return /^sha256:[\w-]{43}$/.test(name) ? name : toOwner(name);
}

import { hash } from 'node:crypto';

/** The indexes of all stores accept this many characters. A subject of OpenID Connect is at most that long. */
const plainLength = 255;
const mark = 'sha256:';

/**
 * Converts a user's name to the owner that stores keep. Different names give different owners. A name that is too long for an
 * index is replaced by its hash, and so is a name that looks like such a hash.
 */
export function toOwner(name: string): string {
  const isPlain = name.length <= plainLength && !/\p{Surrogate}/u.test(name) && !name.startsWith(mark);
  // Hash the JSON text: it escapes a lone surrogate, while in UTF-8 all lone surrogates are the same.
  return isPlain ? name : mark + hash('sha256', JSON.stringify(name), 'base64url');
}

/** Like `toOwner`, but keeps a hash, because a list of sessions shows such an owner only as its hash. */
export function toListedOwner(name: string): string {
  return /^sha256:[\w-]{43}$/.test(name) ? name : toOwner(name);
}

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { sessionKeyOf } from '../../stores/session-key.ts';

export type Secret = string | Buffer;

/** A secret, and the id by which records and lists refer to it. */
export interface SigningKey {
  id: string;
  secret: Secret;
}

/** Turns a session id into the session key that the store needs. */
export type ToSessionKey = (id: string) => string;

/** A session id with a valid signature. */
export interface SignedId {
  id: string;
  /** The verified cookie value. Signing the id again with the same key gives the same value. */
  value: string;
  /** The session key of its record. */
  sessionKey: string;
  /** The id of the signing key. A newer key may appear while the request runs. */
  keyId: string;
}

/** Returns the signing keys of these secrets, and computes them again only when the secrets change. */
export function createKeyring(secrets: () => Secret[]): () => [SigningKey, ...SigningKey[]] {
  let known: Secret[] | undefined;
  let signingKeys: SigningKey[] = [];
  return () => {
    const current = secrets();
    if (current !== known) signingKeys = current.map((secret) => ({ id: keyIdOf(secret), secret }));
    known = current;
    return signingKeys as [SigningKey, ...SigningKey[]];
  };
}

/** A short hash. It identifies the secret but does not reveal it, unless the secret is easy to guess. */
function keyIdOf(secret: Secret): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 8);
}

/** The cookie's value for a session id, in the form that express-session and cookie-parser share. */
export function signId(id: string, { secret }: SigningKey): string {
  return `s:${id}.${digest(id, secret)}`;
}

/** How many verified values are cached. */
const knownLimit = 10_000;

/**
 * Returns a function that verifies a cookie value: undefined when no key signed it, so the server did not issue it. Verified
 * values are cached for as long as the keys stay the same. Without the cache, hashing took 7% of the time of reads.
 */
export function createVerifier(
  toSessionKey: ToSessionKey = sessionKeyOf,
): (value: string, signingKeys: SigningKey[]) => SignedId | undefined {
  let verifiedBy: SigningKey[] | undefined;
  const known = new Map<string, SignedId>();
  return (value, signingKeys) => {
    if (signingKeys !== verifiedBy || known.size >= knownLimit) known.clear();
    verifiedBy = signingKeys;
    const before = known.get(value);
    if (before) return before;
    const signed = verifyId(value, signingKeys, toSessionKey);
    if (signed) known.set(value, signed);
    return signed;
  };
}

/** Verifies a cookie value without a cache. */
export function verifyId(
  value: string,
  signingKeys: SigningKey[],
  toSessionKey: ToSessionKey = sessionKeyOf,
): SignedId | undefined {
  const dot = value.lastIndexOf('.');
  if (!value.startsWith('s:') || dot < 3) return undefined;
  const id = value.slice(2, dot);
  const signer = signingKeys.find(({ secret }) => isEqual(value.slice(dot + 1), digest(id, secret)));
  return signer && { id, value, sessionKey: toSessionKey(id), keyId: signer.id };
}

function digest(id: string, secret: Secret): string {
  return createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '');
}

function isEqual(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

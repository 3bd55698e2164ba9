import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { sessionKeyOf } from '../../stores/session-key.ts';

export type Secret = string | Buffer;

/** A secret, and the name that it may be called by in a record or in a list. */
export interface SigningKey {
  id: string;
  secret: Secret;
}

/** The session key of an id, as the store needs it. */
export type ToSessionKey = (id: string) => string;

/** A session id that was signed by one of the keys. */
export interface SignedId {
  id: string;
  /** What was verified: the same key would sign the id in the same way. */
  value: string;
  /** The key of its record. */
  sessionKey: string;
  /** Names the key that signed it. Whether that is the newest may change while a request runs. */
  keyId: string;
}

/** The keys of these secrets, which are worked out anew only when they have changed. */
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

/** A secret has 256 random bits, so a short hash names it and gives nothing away. */
function keyIdOf(secret: Secret): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 8);
}

/** The cookie's value for a session id, in the form that express-session and cookie-parser share. */
export function signId(id: string, { secret }: SigningKey): string {
  return `s:${id}.${digest(id, secret)}`;
}

/** How many values are known to be signed. */
const knownLimit = 10_000;

/**
 * Verifies the values of cookies: undefined when none of the keys signed it, so that the server did not issue it. What
 * was verified by the same keys before is known: in a profile of reads, hashing took 7% of the time without it.
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

/** The same, worked out anew. */
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

import type { SessionRecord, StoredRecord } from '../driver.ts';

/** A record as PostgreSQL gives it. */
export interface Row extends Omit<StoredRecord, 'owner' | 'keyId'> {
  owner: string | null;
  keyId: string | null;
}

export function toRecord({ owner, keyId, ...rest }: Row): StoredRecord {
  return { ...rest, ...(owner !== null && { owner: decodeOwner(owner) }), ...(keyId !== null && { keyId }) };
}

/** In the order in which the statements take them. */
export function toValues({ data, createdAtMs, seenAtMs, expiresAtMs, owner, keyId }: SessionRecord): unknown[] {
  return [data, createdAtMs, seenAtMs, expiresAtMs, owner === undefined ? null : encodeOwner(owner), keyId ?? null];
}

// An owner is any string of JavaScript. PostgreSQL's text has no zero character and no half of a surrogate pair, so that
// these are escaped, and the character that escapes them; every other owner is stored as it is.
export function encodeOwner(owner: string): string {
  return owner.replace(/[\\\0\p{Surrogate}]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function decodeOwner(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

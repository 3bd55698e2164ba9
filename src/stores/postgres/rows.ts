import type { SessionRecord, StoredRecord } from '../driver.ts';

/** A record as PostgreSQL returns it. */
export interface Row extends Omit<StoredRecord, 'owner' | 'keyId'> {
  owner: string | null;
  keyId: string | null;
}

export function toRecord({ owner, keyId, ...rest }: Row): StoredRecord {
  return { ...rest, ...(owner !== null && { owner: decodeOwner(owner) }), ...(keyId !== null && { keyId }) };
}

/** The values of a record in the order of the statements' parameters. */
export function toValues({ data, createdAtMs, seenAtMs, expiresAtMs, owner, keyId }: SessionRecord): unknown[] {
  return [data, createdAtMs, seenAtMs, expiresAtMs, owner === undefined ? null : encodeOwner(owner), keyId ?? null];
}

// An owner is any JavaScript string. PostgreSQL's text cannot contain a zero character or a lone surrogate, so these are escaped,
// and so is the backslash. All other characters are stored unchanged.
export function encodeOwner(owner: string): string {
  return owner.replace(/[\\\0\p{Surrogate}]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function decodeOwner(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

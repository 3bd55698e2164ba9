import type { SessionRecord, StoredRecord } from '../driver.ts';
import { decodeOwner, encodeOwner } from './owner.ts';

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

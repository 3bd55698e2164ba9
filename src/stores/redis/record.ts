import type { SessionRecord, StoredRecord } from '../driver.ts';

// 13 digits last until the year 2286. All entries must have the same length to sort correctly.
const timeDigits = 15;

/** One line for each field, then the data. The scripts parse the first lines. */
const pattern = /^([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n/;

export function encode(record: SessionRecord, version: number): string {
  const { data, createdAtMs, seenAtMs, expiresAtMs, owner, keyId } = record;
  const fields = [version, createdAtMs, seenAtMs, renderTime(expiresAtMs), toJson(owner), toJson(keyId)];
  return `${fields.join('\n')}\n${data}`;
}

/** Text that is not a record becomes a record without data, which the session layer sets aside. */
export function decode(key: string, text: string): StoredRecord {
  const [head, version, createdAtMs, seenAtMs, expiresAtMs, owner = '', keyId = ''] = pattern.exec(text) ?? [];
  try {
    if (head === undefined) throw new SyntaxError('this is not a record');
    return {
      key,
      data: text.slice(head.length),
      version: Number(version),
      createdAtMs: Number(createdAtMs),
      seenAtMs: Number(seenAtMs),
      expiresAtMs: Number(expiresAtMs),
      ...(owner !== '' && { owner: JSON.parse(owner) as string }),
      ...(keyId !== '' && { keyId: JSON.parse(keyId) as string }),
    };
  } catch (error) {
    if (error instanceof SyntaxError) return unreadable(key);
    throw error;
  }
}

export function unreadable(key: string): StoredRecord {
  return { key } as StoredRecord;
}

/** The entry of a record in the index by owner. An entry in the index by expiry is the time and the session key. */
export function ownerEntry(owner: string, key: string): string {
  return toJson(owner) + key;
}

export function keyInExpiryEntry(entry: string): string {
  return entry.slice(timeDigits);
}

/** A time with a fixed number of digits, as the scripts and the order of the index need it. */
export function renderTime(ms: number): string {
  return String(Math.max(0, Math.ceil(ms))).padStart(timeDigits, '0');
}

// As JSON, no owner is a prefix of another, and there are no line breaks.
function toJson(value: string | undefined): string {
  return value === undefined ? '' : JSON.stringify(value);
}

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The file holds the first bytes of a hash of each password. One in 1.4 million other passwords matches by accident. */
const fingerprintBytes = 4;

const common = readFingerprints();

/** True for the 3,000 most common passwords that are long enough (OWASP ASVS 5.0, 6.2.4), in upper or lower case. */
export function isCommon(password: string): boolean {
  return common.has(fingerprintOf(password));
}

function fingerprintOf(password: string): number {
  return createHash('sha256').update(password.toLowerCase()).digest().readUIntBE(0, fingerprintBytes);
}

function readFingerprints(): Set<number> {
  const text = readFileSync(join(import.meta.dirname, 'common-passwords.txt'), 'utf8');
  const bytes = Buffer.from(text, 'base64');
  const count = bytes.length / fingerprintBytes;
  return new Set(Array.from({ length: count }, (_, n) => bytes.readUIntBE(n * fingerprintBytes, fingerprintBytes)));
}

import { StartError } from './start-error.ts';

const minimumBytes = 32;
const remedy =
  'Make one: sessapp secret rotate, or set SESSION_SECRET to 32 random bytes: ' +
  `node -p "require('crypto').randomBytes(32).toString('base64url')"`;

/**
 * The secrets in SESSION_SECRET, newest first, separated by commas.
 * @throws StartError when there is none, or when one of them could be guessed
 */
export function readSecrets(value: string | undefined): string[] {
  const secrets = (value ?? '')
    .split(',')
    .map((secret) => secret.trim())
    .filter((secret) => secret !== '');
  if (secrets.length === 0) {
    throw new StartError('secret-missing', 'SESSION_SECRET is not set: sessions cannot be signed.', remedy);
  }
  secrets.forEach(verifySecret);
  return secrets;
}

function verifySecret(secret: string, index: number): void {
  const name = index === 0 ? 'SESSION_SECRET' : `SESSION_SECRET's value number ${index + 1}`;
  const bytes = Buffer.byteLength(secret);
  if (bytes < minimumBytes) {
    throw new StartError('secret-short', `${name} has ${bytes} bytes; it needs ${minimumBytes} or more.`, remedy);
  }
  if (isPlaceholder(secret)) {
    throw new StartError('secret-placeholder', `${name} looks like a placeholder: anybody could guess it.`, remedy);
  }
}

// 32 random bytes in any usual notation have more than twice as many different characters (hex: 14 or more).
function isPlaceholder(secret: string): boolean {
  return new Set(secret).size < 10 || /change.?me|placeholder|secret|password|example|replace/i.test(secret);
}

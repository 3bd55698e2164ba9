import { createHash, randomBytes } from 'node:crypto';
import { UserError } from '../errors.ts';

/** The file that holds an environment's secret, and the only one that does. */
export const envFileName = '.env';

/** The variable of `.env`, or of the real environment, that holds the secrets. */
export const secretVariable = 'SESSION_SECRET';

export const minimumBytes = 32;

const remedy =
  'Make one: sessapp secret rotate, or set SESSION_SECRET to 32 random bytes: ' +
  `node -p "require('crypto').randomBytes(32).toString('base64url')"`;

/** 32 random bytes in base64url. */
export function createSecret(): string {
  const secret = randomBytes(minimumBytes).toString('base64url');
  // Chance may write a word of a placeholder.
  return isUsable(secret) ? secret : createSecret();
}

/** What a secret is called by, also in the records of sessions; it gives nothing of the secret away. */
export function secretIdOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 8);
}

/** Newest first. */
export function splitSecrets(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((secret) => secret.trim())
    .filter((secret) => secret !== '');
}

/**
 * The secrets in SESSION_SECRET, newest first, separated by commas.
 * @throws UserError when there is none, or when one of them could be guessed
 */
export function readSecrets(value: string | undefined): string[] {
  const secrets = splitSecrets(value);
  if (secrets.length === 0) {
    throw new UserError('secret-missing', 'SESSION_SECRET is not set: sessions cannot be signed.', remedy);
  }
  secrets.forEach(verifySecret);
  return secrets;
}

function verifySecret(secret: string, index: number): void {
  const name = index === 0 ? 'SESSION_SECRET' : `SESSION_SECRET's value number ${index + 1}`;
  const bytes = Buffer.byteLength(secret);
  if (bytes < minimumBytes) {
    throw new UserError('secret-short', `${name} has ${bytes} bytes; it needs ${minimumBytes} or more.`, remedy);
  }
  if (isPlaceholder(secret)) {
    throw new UserError('secret-placeholder', `${name} looks like a placeholder: anybody could guess it.`, remedy);
  }
}

/** False for a secret with which the server does not start, alone or beside others. */
export function isUsable(secret: string): boolean {
  return Buffer.byteLength(secret) >= minimumBytes && !isPlaceholder(secret);
}

// 32 random bytes in any usual notation have more than twice as many different characters (hex: 14 or more).
export function isPlaceholder(secret: string): boolean {
  return new Set(secret).size < 10 || /change.?me|placeholder|secret|password|example|replace/i.test(secret);
}

/** The content of a new `.env`. */
export function renderEnvFile(secret: string, nowMs: number, storeUrl?: string): string {
  return [
    '# Settings of this environment alone. Keep it out of version control: who has the secret can forge a session.',
    '# Variables that are set in the real environment win. .env.example lists what else can be set.',
    renderCreationLine(secretIdOf(secret), nowMs),
    `${secretVariable}=${secret}`,
    ...(storeUrl === undefined ? [] : [`STORE_URL=${storeUrl}`]),
    '',
  ].join('\n');
}

/** The line of `.env` that tells how old a secret is. */
export function renderCreationLine(id: string, nowMs: number): string {
  return `# secret ${id} since ${new Date(nowMs).toISOString()}`;
}

/**
 * When each secret was added, in milliseconds since 1970, by its id. A secret without such a line in `.env` is left out.
 * sessapp 0.1 wrote `key` instead of `secret`.
 */
export function readCreationTimes(text: string): Map<string, number> {
  const lines = text.matchAll(/^# (?:secret|key) ([0-9a-f]{8}) since (\S+)\s*$/gm);
  const times = [...lines].map(([, id = '', time = '']): [string, number] => [id, Date.parse(time)]);
  return new Map(times.filter(([, ms]) => !Number.isNaN(ms)));
}

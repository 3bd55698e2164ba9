import { createHash, randomBytes } from 'node:crypto';
import { UserError } from '../errors.ts';

/** The only file that contains an environment's secret. */
export const envFileName = '.env';

/** The variable with the secrets, in `.env` or in the process environment. */
export const secretVariable = 'SESSION_SECRET';

export const minimumBytes = 32;

/** The place of SESSION_SECRET. An environment variable overrides `.env`. */
export type SecretSource = 'environment' | '.env';

const randomSecret = `node -p "require('crypto').randomBytes(32).toString('base64url')"`;

const remedies: Record<SecretSource, string> = {
  '.env': `Type: sessapp secret rotate, or set SESSION_SECRET to 32 random bytes: ${randomSecret}`,
  environment:
    'SESSION_SECRET is set in the environment variables and overrides .env. Unset it to use .env, or set it to 32 random ' +
    `bytes: ${randomSecret}`,
};

/** 32 random bytes in base64url. */
export function createSecret(): string {
  const secret = randomBytes(minimumBytes).toString('base64url');
  // Random characters may contain a word that looks like a placeholder.
  return isUsable(secret) ? secret : createSecret();
}

/** The id of a secret, which session records store too. It does not reveal the secret. */
export function secretIdOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 8);
}

/** Splits SESSION_SECRET into its secrets, newest first. */
export function splitSecrets(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((secret) => secret.trim())
    .filter((secret) => secret !== '');
}

/**
 * Reads the secrets in SESSION_SECRET, newest first, separated by commas.
 * @throws UserError when there is no secret, or when one of them can be guessed
 */
export function readSecrets(value: string | undefined, source: SecretSource = '.env'): string[] {
  const secrets = splitSecrets(value);
  if (secrets.length === 0) {
    const fact = value ? 'SESSION_SECRET contains no secret' : 'SESSION_SECRET is not set';
    throw new UserError('secret-missing', `${fact}: sessions cannot be signed.`, remedies[source]);
  }
  for (const [index, secret] of secrets.entries()) verifySecret(secret, index, remedies[source]);
  return secrets;
}

function verifySecret(secret: string, index: number, remedy: string): void {
  const name = index === 0 ? 'SESSION_SECRET' : `SESSION_SECRET's value number ${index + 1}`;
  const bytes = Buffer.byteLength(secret);
  if (bytes < minimumBytes) {
    throw new UserError('secret-short', `${name} has ${bytes} bytes; it needs ${minimumBytes} or more.`, remedy);
  }
  if (isPlaceholder(secret)) {
    throw new UserError('secret-placeholder', `${name} looks like a placeholder: anybody could guess it.`, remedy);
  }
}

/** False for a secret that the server refuses to start with. */
export function isUsable(secret: string): boolean {
  return Buffer.byteLength(secret) >= minimumBytes && !isPlaceholder(secret);
}

// 32 random bytes in hex have 14 or more different characters, and in other usual encodings more than 20.
export function isPlaceholder(secret: string): boolean {
  return new Set(secret).size < 10 || /change.?me|placeholder|secret|password|example|replace/i.test(secret);
}

/** The content of a new `.env`. */
export function renderEnvFile(secret: string, nowMs: number, storeUrl?: string): string {
  return [
    '# Settings of this environment. Keep this file out of version control: anyone with the secret can forge sessions.',
    '# Environment variables override these settings. .env.example lists all settings.',
    renderCreationLine(secretIdOf(secret), nowMs),
    `${secretVariable}=${secret}`,
    ...(storeUrl === undefined ? [] : [`STORE_URL=${storeUrl}`]),
    '',
  ].join('\n');
}

/** The line of `.env` with the creation time of a secret. */
export function renderCreationLine(id: string, nowMs: number): string {
  return `# secret ${id} since ${new Date(nowMs).toISOString()}`;
}

/**
 * The creation times in `.env`, in milliseconds since 1970, by the id of the secret. sessapp 0.1 wrote `key` instead of
 * `secret`.
 */
export function readCreationTimes(text: string): Map<string, number> {
  const lines = text.matchAll(/^# (?:secret|key) ([0-9a-f]{8}) since (\S+)\s*$/gm);
  const times = [...lines].map(([, id = '', time = '']): [string, number] => [id, Date.parse(time)]);
  return new Map(times.filter(([, ms]) => !Number.isNaN(ms)));
}

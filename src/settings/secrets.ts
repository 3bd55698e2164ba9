import { createHash, randomBytes } from 'node:crypto';

/** The file that holds an environment's secret, and the only one that does. */
export const envFileName = '.env';

/** The variable of `.env`, or of the real environment, that holds the secrets. */
export const secretVariable = 'SESSION_SECRET';

export const minimumBytes = 32;

/** 32 random bytes in base64url. */
export function createSecret(): string {
  const secret = randomBytes(minimumBytes).toString('base64url');
  // Chance may write a word of a placeholder.
  return isUsable(secret) ? secret : createSecret();
}

/** What a secret is called by, also in the records of sessions; it gives nothing of the secret away. */
export function keyIdOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 8);
}

/** Newest first. */
export function splitSecrets(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map((secret) => secret.trim())
    .filter((secret) => secret !== '');
}

/** False for a secret with which the server does not start, alone or beside others. */
export function isUsable(secret: string): boolean {
  return Buffer.byteLength(secret) >= minimumBytes && !isPlaceholder(secret);
}

export function isPlaceholder(secret: string): boolean {
  return new Set(secret).size < 10 || /change.?me|placeholder|secret|password|example|replace/i.test(secret);
}

/** The content of a new `.env`. */
export function renderEnvFile(secret: string, nowMs: number, storeUrl?: string): string {
  return [
    '# Settings of this environment alone. Keep it out of version control: who has the secret can forge a session.',
    '# Variables that are set in the real environment win. .env.example lists what else can be set.',
    renderBirth(keyIdOf(secret), nowMs),
    `${secretVariable}=${secret}`,
    ...(storeUrl === undefined ? [] : [`STORE_URL=${storeUrl}`]),
    '',
  ].join('\n');
}

/** The line of `.env` that tells how old a secret is. */
export function renderBirth(id: string, nowMs: number): string {
  return `# key ${id} since ${new Date(nowMs).toISOString()}`;
}

/** Since when each secret is there, in milliseconds since 1970, by its id; as far as `.env` tells. */
export function readBirths(text: string): Map<string, number> {
  const lines = text.matchAll(/^# key ([0-9a-f]{8}) since (\S+)\s*$/gm);
  const births = [...lines].map(([, id = '', time = '']): [string, number] => [id, Date.parse(time)]);
  return new Map(births.filter(([, ms]) => !Number.isNaN(ms)));
}

import { randomBytes } from 'node:crypto';

/** The file that holds an environment's secret, and the only one that does. */
export const envFileName = '.env';

/** 32 random bytes in base64url. */
export function createSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** The content of a new `.env`. */
export function renderEnvFile(secret: string): string {
  return [
    '# Settings of this environment alone. Keep it out of version control: who has the secret can forge a session.',
    '# Variables that are set in the real environment win. .env.example lists what else can be set.',
    `SESSION_SECRET=${secret}`,
    '',
  ].join('\n');
}

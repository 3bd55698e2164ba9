import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

const directory = join(import.meta.dirname, '..');

/** The data directory of this environment. */
export const dataDirectory = join(directory, 'data');

/** An environment variable, or else a variable of `.env`; undefined when it is not set, or empty. */
export function readVariable(name: string): string | undefined {
  return process.env[name] || readEnvFile()[name] || undefined;
}

/** The name that separates the accounts of several environments in one Redis or PostgreSQL. */
export function readEnvironmentName(): string {
  const { cookie } = JSON.parse(readFileSync(join(directory, 'sessapp.json'), 'utf8')) as { cookie: string };
  return cookie;
}

function readEnvFile(): Record<string, string | undefined> {
  try {
    return parseEnv(readFileSync(join(directory, '.env'), 'utf8').replace(/^\ufeff/, ''));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

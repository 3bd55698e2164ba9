import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Phase } from '../migration/migrating-driver.ts';
import { readSecrets } from './read-secrets.ts';
import { StartError } from './start-error.ts';

/** Everything that varies from one environment, or one start, to the next. */
export interface Settings {
  /** 0 takes any free port. */
  port: number;
  host: string;
  /** How many processes answer, under one that replaces them; undefined: this process answers by itself. */
  workers: number | undefined;
  production: boolean;
  /** How many proxies in front of the server are to be believed about X-Forwarded-*. */
  trustProxyHops: number;
  /** Newest first. */
  secrets: string[];
  store: string;
  /** The session cookie's name. */
  cookie: string;
  dataDirectory: string;
}

type Variables = Record<string, string | undefined>;

/**
 * Reads `sessapp.json`, `.env` and the environment variables; a variable that is set beats `.env`.
 * @throws StartError when one of them is missing or holds what cannot be used
 */
export async function readSettings(directory: string, environment: Variables): Promise<Settings> {
  const variables = { ...(await readEnvFile(directory)), ...dropEmpty(environment) };
  const { store, cookie } = await readMarker(directory);
  return {
    port: readPort(variables.PORT ?? '5000'),
    // As in the address for a browser, or without the brackets.
    host: (variables.HOST ?? 'localhost').replace(/^\[(.*)\]$/, '$1'),
    // `sessapp serve --background` sets the other one.
    workers: readWorkers(variables.WORKERS ?? environment.SESSAPP_WORKERS),
    production: variables.NODE_ENV === 'production',
    trustProxyHops: readHops(variables.TRUST_PROXY ?? '0'),
    secrets: readSecrets(variables.SESSION_SECRET),
    store,
    cookie,
    dataDirectory: join(directory, 'data'),
  };
}

/** The variables that `.env` sets. */
export async function readEnvFile(directory: string): Promise<Variables> {
  const content = (await readIfThere(join(directory, '.env'))) ?? '';
  // Some editors put a mark at the front; others write a character as two bytes.
  if (content.includes('\0') || content.includes('\ufffd')) {
    throw new StartError(
      'env-damaged',
      `The .env in ${directory} is not in UTF-8.`,
      'Save it in UTF-8, as plain text.',
    );
  }
  return dropEmpty(parseEnv(content.replace(/^\ufeff/, '')));
}

/** What the server reads of `sessapp.json`. */
export interface Marker {
  store: string;
  cookie: string;
  /** The sessions move to another store. */
  migration?: { to: string; phase: Phase | 'switch' };
}

/** @throws StartError when it is missing or damaged */
export async function readMarker(directory: string): Promise<Marker> {
  const content = await readIfThere(join(directory, 'sessapp.json'));
  if (content === undefined) {
    const remedy =
      'Restore it from your version control, or write it anew: sessapp init . --allow-existing in that directory';
    throw new StartError('marker-missing', `There is no sessapp.json in ${directory}.`, remedy);
  }
  const { store, cookie, migration } = parseMarker(content);
  if (typeof store === 'string' && typeof cookie === 'string')
    return { store, cookie, ...(migration !== undefined && { migration }) };
  const remedy =
    'Restore it from your version control, or delete it and type: sessapp init . --allow-existing in that directory';
  throw new StartError('marker-damaged', `sessapp.json in ${directory} is not what sessapp wrote.`, remedy);
}

function parseMarker(content: string): Pick<Marker, 'migration'> & { store?: unknown; cookie?: unknown } {
  try {
    return (JSON.parse(content) ?? {}) as object;
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function readPort(value: string): number {
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= 65535) return port;
  throw new StartError(
    'bad-port',
    `PORT is '${value}', which is no port.`,
    'Give a number from 0 to 65535; 0 takes any free port.',
  );
}

function readWorkers(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (value === 'auto') return availableParallelism();
  const count = Number(value);
  if (/^\d+$/.test(value) && count >= 1 && count <= 256) return count;
  throw new StartError(
    'bad-workers',
    `WORKERS is '${value}', which is no number of workers.`,
    'Give a number from 1 to 256, or auto: as many as there are cores.',
  );
}

function readHops(value: string): number {
  if (/^\d+$/.test(value)) return Number(value);
  const remedy = 'Give the number of proxies in front of this server: TRUST_PROXY=1 for one.';
  throw new StartError('bad-trust-proxy', `TRUST_PROXY is '${value}', which is no number of proxies.`, remedy);
}

function dropEmpty(variables: Variables): Variables {
  return Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''));
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (!['EACCES', 'EPERM', 'EISDIR'].includes(code ?? '')) throw error;
    const remedy = 'Give the user that runs the server the right to read it; it is to be a file.';
    throw new StartError('unreadable', `${path} cannot be read (${code}).`, remedy);
  }
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { readSecrets } from './secrets.ts';
import { StartError } from './start-error.ts';

/** Everything that varies from one environment, or one start, to the next. */
export interface Settings {
  /** 0 takes any free port. */
  port: number;
  host: string;
  production: boolean;
  /** How many proxies in front of the server are to be believed about X-Forwarded-*. */
  trustProxyHops: number;
  /** Newest first. */
  secrets: string[];
  store: string;
  /** The session cookie's name. */
  cookie: string;
  dataDirectory: string;
  url?: string;
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
    host: variables.HOST ?? 'localhost',
    production: variables.NODE_ENV === 'production',
    trustProxyHops: readHops(variables.TRUST_PROXY ?? '0'),
    secrets: readSecrets(variables.SESSION_SECRET),
    store,
    cookie,
    dataDirectory: join(directory, 'data'),
    ...(variables.STORE_URL !== undefined && { url: variables.STORE_URL }),
  };
}

/** The variables that `.env` sets. */
export async function readEnvFile(directory: string): Promise<Variables> {
  return dropEmpty(parseEnv((await readIfThere(join(directory, '.env'))) ?? ''));
}

async function readMarker(directory: string): Promise<{ store: string; cookie: string }> {
  const content = await readIfThere(join(directory, 'sessapp.json'));
  if (content === undefined) {
    const remedy = 'Restore it from your version control, or write it anew: sessapp init --allow-existing';
    throw new StartError('marker-missing', `There is no sessapp.json in ${directory}.`, remedy);
  }
  const { store, cookie } = parseMarker(content);
  if (typeof store === 'string' && typeof cookie === 'string') return { store, cookie };
  const remedy = 'Restore it from your version control, or delete it and type: sessapp init --allow-existing';
  throw new StartError('marker-damaged', `sessapp.json in ${directory} is not what sessapp wrote.`, remedy);
}

function parseMarker(content: string): { store?: unknown; cookie?: unknown } {
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
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { type Marker, markerName, requireMarker } from './marker.ts';
import { readSecrets } from './secrets.ts';
import { storeNames } from './stores.ts';
import { overlay, readVariables, type Variables } from './variables.ts';

/** The settings of a server, from `sessapp.json`, `.env` and environment variables. */
export interface Settings {
  /** 0: any free port. */
  port: number;
  host: string;
  /** How many worker processes handle requests, under a primary process; undefined: this process handles requests itself. */
  workers: number | undefined;
  production: boolean;
  /** How many proxies in front of the server are trusted to set X-Forwarded-*. */
  trustProxyHops: number;
  /** How long an idle connection stays open. */
  keepAliveMs: number;
  /** The address of the metrics endpoint; undefined: no metrics. */
  metrics: { port: number; host: string } | undefined;
  /** The session secrets, newest first. */
  secrets: string[];
  store: string;
  /** The session cookie's name. */
  cookie: string;
  dataDirectory: string;
}

/**
 * Reads `sessapp.json`, `.env` and the environment variables. An environment variable overrides `.env`.
 * @throws UserError when a required setting is missing or not valid
 */
export async function readSettings(directory: string, environment: NodeJS.ProcessEnv): Promise<Settings> {
  const variables = overlay(await readVariables(directory), environment);
  const marker = await requireMarker(directory);
  for (const fault of findMarkerFaults(marker)) throw fault;
  return {
    port: readers.PORT(variables),
    host: readers.HOST(variables),
    workers: readers.WORKERS(variables),
    production: variables.NODE_ENV === 'production',
    trustProxyHops: readers.TRUST_PROXY(variables),
    keepAliveMs: readers.KEEP_ALIVE(variables),
    metrics: readers.METRICS_PORT(variables),
    secrets: readSecrets(variables.SESSION_SECRET, environment.SESSION_SECRET ? 'environment' : '.env'),
    store: marker.store,
    cookie: marker.cookie,
    dataDirectory: join(directory, 'data'),
  };
}

/** Reads the setting of each variable. Throws a UserError when it is not valid. */
const readers = {
  PORT: ({ PORT = '5000' }: Variables) => readPort('PORT', PORT),
  // An IPv6 address may have brackets, as in a URL.
  HOST: ({ HOST = 'localhost' }: Variables) => readHost(HOST),
  // `sessapp serve --background` sets SESSAPP_WORKERS.
  WORKERS: ({ WORKERS, SESSAPP_WORKERS }: Variables) => readWorkers(WORKERS ?? SESSAPP_WORKERS),
  TRUST_PROXY: ({ TRUST_PROXY = '0' }: Variables) => readHops(TRUST_PROXY),
  // Proxies keep idle connections for 60 s. The server must keep them longer, so that the proxy closes them first.
  KEEP_ALIVE: ({ KEEP_ALIVE, TRUST_PROXY }: Variables) =>
    readSeconds(KEEP_ALIVE ?? (Number(TRUST_PROXY) > 0 ? '65' : '5')) * 1000,
  METRICS_PORT: (variables: Variables) => readMetrics(variables),
};

/** A variable that a server refuses. */
export interface VariableFault {
  name: string;
  error: UserError;
}

/** All faults of these variables, except of the secrets. A server reports only the first one. */
export function findFaults(variables: Variables): VariableFault[] {
  return Object.entries(readers).flatMap(([name, read]) => {
    try {
      read(variables);
      return [];
    } catch (error) {
      if (error instanceof UserError) return [{ name, error }];
      throw error;
    }
  });
}

/** The faults of a readable `sessapp.json` that a server refuses. */
export function findMarkerFaults({ store, cookie }: Pick<Marker, 'store' | 'cookie'>): UserError[] {
  const faults: UserError[] = [];
  if (!storeNames.includes(store)) {
    const fact = `${markerName} names the store '${store}', which does not exist.`;
    faults.push(new UserError('bad-store', fact, `Correct "store": it is one of ${storeNames.join(', ')}.`));
  }
  if (!cookieName.test(cookie)) {
    const fact = `${markerName} names the cookie '${cookie}', which is not a valid name.`;
    faults.push(new UserError('bad-cookie', fact, 'Correct "cookie": use letters, digits, hyphens and underscores.'));
  }
  return faults;
}

/** A token of RFC 9110. Browsers would store a part of any other name, or nothing. */
const cookieName = /^[\w!#$%&'*+.^`|~-]+$/;

/** @param value the text that the user typed */
export function isPort(value: string): boolean {
  return /^\d+$/.test(value) && Number(value) <= 65535;
}

/** Also true for `auto`, which means one worker for each core. */
export function isWorkerCount(value: string): boolean {
  return value === 'auto' || (/^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= 256);
}

export const portRemedy = 'Give a number from 0 to 65535; 0 takes any free port.';
export const workersRemedy = 'Give a number from 1 to 256, or auto for one worker for each core.';

function readPort(name: string, value: string): number {
  if (isPort(value)) return Number(value);
  throw new UserError('bad-port', `${name} is '${value}', which is not a valid port.`, portRemedy);
}

function readHost(value: string): string {
  return value.replace(/^\[(.*)\]$/, '$1');
}

function readMetrics({ METRICS_PORT, METRICS_HOST = '127.0.0.1' }: Variables): Settings['metrics'] {
  if (METRICS_PORT === undefined) return undefined;
  return { port: readPort('METRICS_PORT', METRICS_PORT), host: readHost(METRICS_HOST) };
}

function readWorkers(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!isWorkerCount(value))
    throw new UserError('bad-workers', `WORKERS is '${value}', which is not a valid number of workers.`, workersRemedy);
  return value === 'auto' ? availableParallelism() : Number(value);
}

function readHops(value: string): number {
  if (/^\d+$/.test(value)) return Number(value);
  const remedy = 'Give the number of proxies in front of this server: TRUST_PROXY=1 for one.';
  throw new UserError('bad-trust-proxy', `TRUST_PROXY is '${value}', which is not a valid number of proxies.`, remedy);
}

function readSeconds(value: string): number {
  if (/^[1-9]\d*$/.test(value) && Number(value) <= 3600) return Number(value);
  const remedy = 'Give a number of seconds from 1 to 3600, longer than the idle timeout of the proxy: KEEP_ALIVE=65';
  throw new UserError('bad-keep-alive', `KEEP_ALIVE is '${value}', which is not a valid number of seconds.`, remedy);
}

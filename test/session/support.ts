import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express, { type Express, type RequestHandler } from 'express';
import { onTestFinished } from 'vitest';
import { createHttpServer } from '../../src/server/http-server.ts';
import { strictProfile } from '../../src/session/cookie/cookie.ts';
import { isCrossSiteWrite } from '../../src/session/cross-site.ts';
import { hostOf, isSecure } from '../../src/session/http.ts';
import { createMiddleware, type MiddlewareOptions } from '../../src/session/middleware.ts';
import type { Driver, StoredRecord } from '../../src/stores/driver.ts';
import { open } from '../../src/stores/embedded/driver.ts';
import { type HttpResponse, type RequestOptions, send } from '../support/http.ts';

declare module 'express-session' {
  interface SessionData {
    userId: string;
    count: number;
    list: number[];
    [key: string]: unknown;
  }
}

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

export const secretOf = (name: string): string => name.repeat(40).slice(0, 40);

/** A server with the session layer, some routes, and a real embedded store. */
export interface Site {
  url: string;
  driver: Driver;
  log: { level: 'warn' | 'error'; detail: object; message: string }[];
  clock: { now: number };
  records(): Promise<StoredRecord[]>;
  request(path: string, options?: RequestOptions): Promise<HttpResponse>;
  /** Creates a new browser, which keeps its cookies. */
  browser(): (path: string, options?: RequestOptions) => Promise<HttpResponse>;
}

export interface SiteOptions extends Partial<MiddlewareOptions> {
  driver?: Driver;
  production?: boolean;
  /** Adds middleware before the session layer. */
  before?: (app: Express) => void;
}

export async function openStore(directory = mkdtempSync(join(tmpdir(), 'sessapp-session-'))): Promise<Driver> {
  const driver = await open(directory);
  onTestFinished(async () => {
    await driver.close();
    await rm(directory, { recursive: true, force: true });
  });
  return driver;
}

export async function startSite(routes: (app: Express) => void, options: SiteOptions = {}): Promise<Site> {
  const driver = options.driver ?? (await openStore());
  const log: Site['log'] = [];
  const write = (level: 'warn' | 'error') => (detail: object, message: string) => log.push({ level, detail, message });
  const clock = { now: Date.now() };
  const app = express().set('trust proxy', 1).set('env', 'test');
  const { production = false, before, driver: _, ...given } = options;
  before?.(app);
  const session = createMiddleware(driver, {
    ...strictOptions(production),
    secrets: () => [secretOf('a')],
    now: () => clock.now,
    log: { warn: write('warn'), error: write('error') },
    ...given,
  });
  app.use(session as RequestHandler);
  routes(app);
  const url = await listen(app);
  return {
    url,
    driver,
    log,
    clock,
    records: () => collect(driver.list({})),
    request: (path, request) => send(url + path, request),
    browser: () => createBrowser(url),
  };
}

/** The options of an environment behind one proxy. */
export function strictOptions(production = false): Pick<MiddlewareOptions, 'profileOf' | 'isRefused'> {
  return {
    profileOf: (req) => strictProfile('sid', isSecure(req, true), production),
    isRefused: (req) => isCrossSiteWrite(req, hostOf(req, true)),
  };
}

async function listen(app: Express): Promise<string> {
  const server = createHttpServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function createBrowser(url: string): Site['request'] {
  const jar = new Map<string, string>();
  return async (path, options = {}) => {
    const Cookie = [...jar].map((pair) => pair.join('=')).join('; ');
    const response = await send(url + path, { ...options, headers: { ...(Cookie && { Cookie }), ...options.headers } });
    for (const pair of response.cookie.split('; ').filter(Boolean)) {
      const [name = '', value = ''] = pair.split(/=(.*)/);
      jar.set(name, value);
    }
    return response;
  };
}

/** A driver with some methods replaced by the test. */
export function change(driver: Driver, changes: Partial<Driver>): Driver {
  const calls = ['read', 'create', 'update', 'touch', 'delete', 'setAside', 'list', 'prune', 'ping', 'close'] as const;
  const bound = Object.fromEntries(calls.map((name) => [name, (driver[name] as () => unknown).bind(driver)]));
  return { ...(bound as unknown as Driver), ...changes };
}

/** A promise, and the function that resolves it. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

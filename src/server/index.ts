import type { Server } from 'node:http';
import type { ErrorRequestHandler, Express as ExpressApp, RequestHandler } from 'express';
import type { HelmetOptions } from 'helmet';
import type { Logger } from 'pino';
import { profilesOf, strictProfile } from '../session/cookie/cookie.ts';
import { type CrossSite, isCrossSiteWrite } from '../session/cross-site.ts';
import type { Limits } from '../session/data/limits.ts';
import { hostOf, isSecure } from '../session/http.ts';
import { createMiddleware, type Middleware } from '../session/middleware.ts';
import { readSettings, type Settings } from '../settings/settings.ts';
import { watchSecrets } from '../settings/watch-secrets.ts';
import type { Driver } from '../stores/driver.ts';
import { importPeer } from '../stores/peer.ts';
import { startPruning } from '../stores/pruning.ts';
import { loadApplication } from './application.ts';
import { drainOnSignal } from './drain.ts';
import { ErrorResponses } from './errors.ts';
import { securityHeaders } from './headers.ts';
import { serveHealth } from './health.ts';
import { createHttpServer } from './http-server.ts';
import { verifyIsolation } from './isolation.ts';
import { listen } from './listen.ts';
import { surviveLostOutput } from './log-output.ts';
import { createLogger, logRequests } from './logging.ts';
import { countCalls } from './metrics/count-calls.ts';
import { add, type Counts, createCounts } from './metrics/counts.ts';
import { reportCounts } from './metrics/report.ts';
import { openStore } from './open-store.ts';
import { reportOwnSession } from './own-session.ts';
import { stopWhenRemoved } from './removal.ts';
import { isTrial, reportListening, reportLoaded, reportStartFailure } from './report.ts';
import { reportStore } from './report-store.ts';
import { retireTimeouts } from './traffic.ts';
import { isPrimary, runPrimary } from './workers/primary.ts';
import { startInLeader } from './workers/worker.ts';

export type { CrossSite, Limits, Middleware };

declare global {
  namespace Express {
    interface Request {
      /** The number of this request in this process. */
      id: number;
      /** A logger whose lines contain this request. */
      log: Logger;
    }
  }
}

/** The exports of an environment's `app`. */
export interface Application {
  routes(app: ExpressApp): void | Promise<void>;
  /**
   * Called for each HTTP server before it listens. localhost has one server for IPv4 and one for IPv6. `session` is the
   * middleware that sets `req.session`. For WebSockets: `server.on('upgrade', (req, socket) => session(req, {}, () => …))`.
   * For Socket.IO: `io.attach(server)` and `io.engine.use(session)`.
   */
  upgrades?(server: Server, session: Middleware): void;
  /** Called once when the server stops, after the last request. Close the application's own connections and timers here. */
  close?(): void | Promise<void>;
}

/** The options of an application for its server. */
export interface ServeOptions {
  /** Helmet's options. A directive of `contentSecurityPolicy` replaces our directive of that name; the others stay. */
  headers?: HelmetOptions;
  /** The lifetime and size limits of sessions. `ownerKeys` are the keys of `req.session` that contain its owner. */
  limits?: Partial<Limits>;
  /** The requests from other sites that may change data: by their origin, or by their path. */
  crossSite?: CrossSite;
  /** Responds when no route matches. */
  notFound?: RequestHandler;
  /** Responds to the error of a handler, after it was logged. */
  error?: ErrorRequestHandler;
}

/**
 * Runs the session server of an environment until a signal stops it. If it cannot start, it prints the reason, and the
 * exit code is 1.
 * @param directory the environment's, absolute
 * @param load imports the application; the primary process of workers does not call it
 * @throws an error of the application's import, or a bug: Node.js then prints the stack
 */
export async function serve(
  directory: string,
  load: () => Promise<Application>,
  options: ServeOptions = {},
): Promise<void> {
  surviveLostOutput();
  await start(directory, load, options).catch((error: unknown) => reportStartFailure(directory, error));
}

async function start(directory: string, load: () => Promise<Application>, options: ServeOptions): Promise<void> {
  const settings = await readSettings(directory, process.env);
  if (isPrimary(settings) && !isTrial()) return runPrimary(directory, settings);
  await verifyIsolation(directory);
  const application = await loadApplication(directory, load);
  if (isTrial()) return reportLoaded();
  const log = createLogger(settings);
  const counts = createCounts();
  const opened = await openStore(directory, settings, log);
  const driver = settings.metrics ? countCalls(opened, counts) : opened;
  const secrets = watchSecrets(directory, process.env, settings.secrets, log, () => add(counts, 'rotations'));
  const isProxied = settings.trustProxyHops > 0;
  const profileOf = profilesOf((encrypted) => strictProfile(settings.cookie, encrypted, settings.production));
  const session = createMiddleware(driver, {
    profileOf: (req) => profileOf(isSecure(req, isProxied)),
    isRefused: (req) => {
      const isRefused = isCrossSiteWrite(req, hostOf(req, isProxied), options.crossSite);
      if (isRefused) add(counts, 'refused');
      return isRefused;
    },
    ...(options.limits && { limits: options.limits }),
    secrets: secrets.list,
    beforeVerifying: secrets.refresh,
    log,
    isDevelopment: !settings.production,
  });
  const app = await createApp(settings, { driver, session, log, counts, options });
  await application.routes(app);
  reportOwnSession(app, session, log);
  const errors = new ErrorResponses({ log, app, directory, production: settings.production });
  app.use(options.notFound ?? errors.notFound);
  if (options.error) app.use(errors.by(options.error));

  const create = (): Server => {
    const server = createHttpServer(app, (req, res) => errors.last(req, res), settings.keepAliveMs);
    application.upgrades?.(server, session);
    return server;
  };
  try {
    const stopCounting = await reportCounts(directory, settings, counts, log);
    const listening = await listen(create, settings);
    const stopDuties = startInLeader(() => [startPruning(driver, log), reportStore(driver, log)]);
    const closers = [stopDuties, stopCounting, async () => application.close?.(), () => driver.close()];
    drainOnSignal(listening.traffic, retireTimeouts(settings.keepAliveMs), closers, log);
    stopWhenRemoved(directory, log);
    await reportListening(listening.url, settings, log);
  } catch (error) {
    await driver.close().catch((err) => log.warn({ err }, 'the store did not close'));
    throw error;
  }
}

interface Parts {
  driver: Driver;
  session: Middleware;
  log: Logger;
  counts: Counts;
  options: ServeOptions;
}

async function createApp(settings: Settings, { driver, session, log, counts, options }: Parts): Promise<ExpressApp> {
  const { default: express } = await importPeer('sessapp/server', 'express', () => import('express'));
  const app = express().disable('x-powered-by').disable('etag').set('trust proxy', settings.trustProxyHops);
  app.use(securityHeaders(settings, options.headers));
  if (!settings.production) app.use((await import('./development/index.ts')).developmentHandlers());
  app.use(serveHealth(app, driver), logRequests(app, log, counts));
  return app.use(session as RequestHandler);
}

// The session server: settings -> store -> app -> listen -> drain. Your own pages are in app.
import express from 'express';
import { drainOnSignal } from './drain.ts';
import { answerErrors, answerNotFound } from './errors.ts';
import { followSecrets } from '../settings/follow-secrets.ts';
import { securityHeaders } from './headers.ts';
import { answerHealth } from './health.ts';
import { createHttpServer } from './http-server.ts';
import { verifyIsolation } from './isolation.ts';
import { listen } from './listen.ts';
import { createLogger, logRequests } from './logging.ts';
import { openStore } from './open-store.ts';
import { endWhenRemoved } from './removal.ts';
import { reportListening, reportStartFailure } from './report.ts';
import { reportStore } from './report-store.ts';
import { readSettings } from '../settings/settings.ts';
import { isPrimary, runPrimary } from './workers/primary.ts';
import { startInOne } from './workers/worker.ts';
import { startPruning } from '../stores/pruning.ts';
import { sessions } from '../session/middleware.ts';

async function start() {
  const settings = await readSettings(import.meta.dirname, process.env);
  if (isPrimary(settings)) return runPrimary(import.meta.dirname, settings);
  await verifyIsolation(import.meta.dirname);
  const { routes } = await import('./application.ts');
  const log = createLogger(settings);
  const driver = await openStore(import.meta.dirname, settings, log);
  const secrets = followSecrets(import.meta.dirname, process.env, settings.secrets, log);

  const app = express().disable('x-powered-by').disable('etag').set('trust proxy', settings.trustProxyHops);
  app.use(securityHeaders(settings), answerHealth(app, driver), logRequests(app, log));
  app.use(sessions(driver, { ...settings, secrets, log }));
  await routes(app);
  app.use(answerNotFound, answerErrors(log, settings));

  try {
    const listening = await listen(() => createHttpServer(app), settings);
    const stopDuties = startInOne(() => [startPruning(driver, log), reportStore(driver, log)]);
    drainOnSignal(listening.traffic, [stopDuties, () => driver.close()], log);
    endWhenRemoved(import.meta.dirname, log);
    await reportListening(listening.url, settings, log);
  } catch (error) {
    await driver.close().catch((err) => log.warn({ err }, 'the store did not close'));
    throw error;
  }
}

await start().catch(reportStartFailure);

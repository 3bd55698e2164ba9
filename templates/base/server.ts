// The session server: settings -> store -> app -> listen -> drain. Your own pages are in app.
import express from 'express';
import { drainOnSignal } from './server/drain.ts';
import { answerErrors, answerNotFound } from './server/errors.ts';
import { followSecrets } from './server/follow-secrets.ts';
import { securityHeaders } from './server/headers.ts';
import { answerHealth } from './server/health.ts';
import { createHttpServer } from './server/http-server.ts';
import { verifyIsolation } from './server/isolation.ts';
import { listen } from './server/listen.ts';
import { createLogger, logRequests } from './server/logging.ts';
import { openStore } from './server/open-store.ts';
import { endWhenRemoved } from './server/removal.ts';
import { reportListening, reportStartFailure } from './server/report.ts';
import { reportStore } from './server/report-store.ts';
import { readSettings } from './server/settings.ts';
import { isPrimary, runPrimary } from './server/workers/primary.ts';
import { startInOne } from './server/workers/worker.ts';
import { startPruning } from './session/pruning.ts';
import { sessions } from './session/sessions.ts';

async function start() {
  const settings = await readSettings(import.meta.dirname, process.env);
  if (isPrimary(settings)) return runPrimary(import.meta.dirname, settings);
  await verifyIsolation(import.meta.dirname);
  const { routes } = await import('./server/application.ts');
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

// The session server: settings -> store -> app -> listen -> drain. Your own pages are in app.
import express from 'express';
import { routes } from './app.ts';
import { drainOnSignal } from './server/drain.ts';
import { answerErrors, answerNotFound } from './server/errors.ts';
import { followSecrets } from './server/follow-secrets.ts';
import { securityHeaders } from './server/headers.ts';
import { verifyIsolation } from './server/isolation.ts';
import { listen } from './server/listen.ts';
import { createLogger, logRequests } from './server/logging.ts';
import { reportListening, reportStartFailure } from './server/report.ts';
import { readSettings } from './server/settings.ts';
import { openDriver } from './session/open-driver.ts';
import { startPruning } from './session/pruning.ts';
import { sessions } from './session/sessions.ts';

async function start() {
  const settings = await readSettings(import.meta.dirname, process.env);
  await verifyIsolation(import.meta.dirname);
  const log = createLogger(settings);
  const driver = await openDriver(settings.store, settings);
  const secrets = followSecrets(import.meta.dirname, process.env, settings.secrets, log);

  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', settings.trustProxyHops);
  app.use(logRequests(log));
  app.use(securityHeaders(settings));
  app.use(sessions(driver, { ...settings, secrets, log }));
  routes(app);
  app.use(answerNotFound);
  app.use(answerErrors(log, settings));

  try {
    const listening = await listen(app, settings);
    const stopPruning = startPruning(driver, log);
    drainOnSignal(listening.servers, [stopPruning, () => driver.close()], log);
    await reportListening(listening.url, settings, log);
  } catch (error) {
    await driver.close();
    throw error;
  }
}

await start().catch(reportStartFailure);

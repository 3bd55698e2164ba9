import { setTimeout as wait } from 'node:timers/promises';
import type { Express, RequestHandler, Response } from 'express';
import { isDraining } from './drain.ts';

/** The server is not ready if the store does not respond within this time. */
const deadlineMs = 1000;

interface Store {
  ping(): Promise<void>;
}

/**
 * Serves GET /healthz (this process responds) and GET /readyz (the store responds too, and the server is not draining),
 * without a session and without a log line. The application's own route for the path takes precedence.
 */
export function serveHealth(app: Express, store: Store): RequestHandler {
  const storeResponds = shared(() => isInTime(store.ping()));
  const checks: Record<string, () => Promise<boolean>> = {
    '/healthz': async () => true,
    '/readyz': async () => !isDraining() && (await storeResponds()),
  };
  return (req, res, next) => {
    const check = checks[req.path];
    if (!check || !['GET', 'HEAD'].includes(req.method) || hasRoute(app, req.path)) return next();
    return check().then((isHealthy) => sendHealth(res, isHealthy));
  };
}

function hasRoute({ router }: Express, path: string): boolean {
  return router.stack.some(({ route }) => route !== undefined && [route.path].flat().includes(path));
}

function sendHealth(res: Response, isHealthy: boolean): void {
  res
    .status(isHealthy ? 200 : 503)
    .set('Cache-Control', 'no-store')
    .type('text')
    .send(isHealthy ? 'ok\n' : 'not ready\n');
}

// Concurrent health checks share one call to the store.
function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= ask().finally(() => {
      running = undefined;
    });
    return running;
  };
}

function isInTime(call: Promise<void>): Promise<boolean> {
  const responded = call.then(
    () => true,
    () => false,
  );
  return Promise.race([responded, wait(deadlineMs, false, { ref: false })]);
}

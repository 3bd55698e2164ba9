import { setTimeout as wait } from 'node:timers/promises';
import type { Express, RequestHandler, Response } from 'express';
import { isDraining } from './drain.ts';

/** How long the store may take to answer before the server counts as not ready. */
const deadlineMs = 1000;

interface Store {
  ping(): Promise<void>;
}

/**
 * Answers GET /healthz (this process answers) and GET /readyz (so does the store, and the server is not about to stop),
 * without a session and without a line in the log. An application's own route of that path is answered instead.
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

// However many ask at the same time, the store is asked once.
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

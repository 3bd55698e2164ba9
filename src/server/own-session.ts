import type { Express } from 'express';
import type { Logger } from 'pino';
import { isMiddleware } from '../session/middleware.ts';
import { type Layer, layersOf } from './router-layers.ts';

/** Logs a warning when the application mounts its own session middleware, which has no effect. */
export function reportOwnSession(app: Express, session: object, log: Logger): void {
  const hasOwn = handlersIn(layersOf(app)).some((handle) => handle !== session && isSession(handle));
  if (!hasOwn) return;
  log.warn(
    'the application mounts its own session(), which has no effect: the server has already set req.session. Remove it. ' +
      'Set its options in the settings of the environment, and in the options of serve() in server.js',
  );
}

function handlersIn(layers: Layer[]): object[] {
  return layers.flatMap(({ handle, route }) => [handle, ...handlersIn(handle.stack ?? route?.stack ?? [])]);
}

// Only its source code identifies express-session.
function isSession(handle: object & { name?: string }): boolean {
  return isMiddleware(handle) || (handle.name === 'session' && String(handle).includes('req.sessionStore = store'));
}

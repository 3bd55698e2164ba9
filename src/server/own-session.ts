import type { Express } from 'express';
import type { Logger } from 'pino';
import { isMiddleware } from '../session/middleware.ts';
import { type Layer, layersOf } from './router-layers.ts';

/** Says in the log when the application mounts session middleware of its own, which the server's leaves nothing to do for. */
export function reportOwnSession(app: Express, session: object, log: Logger): void {
  const hasOwn = handlersIn(layersOf(app)).some((handle) => handle !== session && isSession(handle));
  if (!hasOwn) return;
  log.warn(
    'the application mounts session() of its own, which has no effect: the server has given each request its session ' +
      'before. Remove it. Its options are the settings of the environment, and options of serve() in server.js',
  );
}

function handlersIn(layers: Layer[]): object[] {
  return layers.flatMap(({ handle, route }) => [handle, ...handlersIn(handle.stack ?? route?.stack ?? [])]);
}

// express-session has no other mark.
function isSession(handle: object & { name?: string }): boolean {
  return isMiddleware(handle) || (handle.name === 'session' && String(handle).includes('req.sessionStore = store'));
}

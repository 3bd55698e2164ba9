import type { RequestHandler } from 'express';
import { serveFiles } from './files.ts';
import { injectReloadScript, isWatched, streamRunId } from './reload.ts';

/** Handlers for the developer's browser. They run before a request is logged and gets its session. */
export function developmentHandlers(): RequestHandler[] {
  return isWatched() ? [serveFiles, streamRunId(), injectReloadScript] : [serveFiles];
}

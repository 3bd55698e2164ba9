import type { RequestHandler } from 'express';
import { serveFiles } from './files.ts';
import { injectReloadScript, isWatched, streamRunId } from './reload.ts';

/** What the server does for the browser of a developer, before a request is logged and gets its session. */
export function developmentHandlers(): RequestHandler[] {
  return isWatched() ? [serveFiles, streamRunId(), injectReloadScript] : [serveFiles];
}

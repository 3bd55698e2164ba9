import type { RequestHandler } from 'express';
import { serveFiles } from './files.ts';

/** What the server does for the browser of a developer, before a request is logged and gets its session. */
export function developmentHandlers(): RequestHandler[] {
  return [serveFiles];
}

import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { Logger } from 'pino';

export const answerNotFound: RequestHandler = (req, res) => {
  res.status(404).type('text').send(`There is no page at ${req.method} ${req.path}\n`);
};

/**
 * Answers what a handler threw. A stack goes to the log, and to the client in development only.
 * @param own the application's, which answers in its place
 */
export function answerErrors(
  log: Logger,
  { production }: { production: boolean },
  own?: ErrorRequestHandler,
): ErrorRequestHandler {
  return (error, req, res, next) => {
    const status = statusOf(error);
    if (status >= 500) (req.log ?? log).error({ err: error }, 'a request failed');
    // What was answered before the handler failed still has to leave.
    if (res.writableEnded) return;
    if (res.headersSent) return next(error);
    for (const name of res.getHeaderNames().filter(isOfBody)) res.removeHeader(name);
    if (own) return own(error, req, res, next);
    res
      .status(status)
      .type('text')
      .send(describe(status, error, production));
  };
}

function describe(status: number, error: unknown, production: boolean): string {
  const detail = production || !(error instanceof Error) ? '' : `\n${error.stack}\n`;
  return `${status >= 500 ? 'Something went wrong' : STATUS_CODES[status]}.\n${detail}`;
}

// What a handler has said of the body that it did not come to send. The policy of a page is the server's own.
function isOfBody(header: string): boolean {
  return /^(content-(?!security-policy)|(cache-control|etag|expires|last-modified)$)/.test(header);
}

// Express and its parsers give an error of the client's making its status.
function statusOf(error: unknown): number {
  const { status } = (error ?? {}) as { status?: unknown };
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
}

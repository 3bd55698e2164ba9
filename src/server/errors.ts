import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';

export const answerNotFound: RequestHandler = (req, res) => {
  res.status(404).type('text').send(`There is no page at ${req.method} ${req.path}\n`);
};

/** Responds to what handlers threw, as Express does by itself; but what is printed of it goes through the log. */
export class ErrorResponses {
  readonly #log: Logger;
  readonly #isProduction: boolean;
  readonly #reported = new WeakMap<Request, unknown>();

  constructor(log: Logger, { production }: { production: boolean }) {
    this.#log = log;
    this.#isProduction = production;
  }

  /** @param own the application's, which responds after the error was logged, unless a response has begun */
  by(own: ErrorRequestHandler): ErrorRequestHandler {
    return (error, req, res, next) => {
      this.#report(error, req, res);
      if (res.headersSent) return next(error);
      removeBodyHeaders(res);
      return own(error, req, res, next);
    };
  }

  /** What Express calls at the end of a request that no handler responded to. */
  last(req: Request, res: Response): (error?: unknown) => void {
    return (error) => {
      if (error) this.#report(error, req, res);
      // What was answered before the handler failed still has to leave.
      if (res.writableEnded) return;
      if (res.headersSent) req.socket.destroy();
      else if (error) this.#respond(error, res);
      else answerNotFound(req, res, () => undefined);
    };
  }

  #respond(error: unknown, res: Response): void {
    const status = statusOf(error, res);
    removeBodyHeaders(res);
    if (isNamedBy(error)) for (const [name, value] of headersOf(error)) res.setHeader(name, value);
    const detail = this.#isProduction ? '' : `\n${error instanceof Error ? error.stack : String(error)}\n`;
    res
      .status(status)
      .type('text')
      .send(`${STATUS_CODES[status] ?? `Error ${status}`}.\n${detail}`);
  }

  #report(error: unknown, req: Request, res: Response): void {
    if (statusOf(error, res) < 500 || this.#reported.get(req) === error) return;
    this.#reported.set(req, error);
    (req.log ?? this.#log).error({ err: error }, 'a request failed');
  }
}

// What a handler has said of the body that it did not come to send. The policy of a page is the server's own.
function removeBodyHeaders(res: Response): void {
  const isOfBody = /^(content-(?!security-policy)|(cache-control|etag|expires|last-modified)$)/;
  for (const name of res.getHeaderNames()) if (isOfBody.test(name)) res.removeHeader(name);
}

// Express's own final handler (finalhandler) decides so: by the error, by the response, 500. Only its page is another
// one: text, of which a browser makes nothing else.
function statusOf(error: unknown, { statusCode }: Response): number {
  return statusesOf(error).find(isOfError) ?? (isOfError(statusCode) ? statusCode : 500);
}

/** Whether the error has the status. Only then its headers count. */
function isNamedBy(error: unknown): boolean {
  return statusesOf(error).some(isOfError);
}

function statusesOf(error: unknown): unknown[] {
  const { status, statusCode } = Object(error) as { status?: unknown; statusCode?: unknown };
  return [status, statusCode];
}

function isOfError(status: unknown): status is number {
  return typeof status === 'number' && status >= 400 && status < 600;
}

function headersOf(error: unknown): [string, string][] {
  return Object.entries((Object(error) as { headers?: Record<string, string> }).headers ?? {});
}

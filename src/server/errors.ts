import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import finalhandler from 'finalhandler';
import type { Logger } from 'pino';

export const answerNotFound: RequestHandler = (req, res) => {
  res.status(404).type('text').send(`There is no page at ${req.method} ${req.path}\n`);
};

/** Responds to what handlers threw, as Express does by itself; but what is printed of it goes through the log. */
export class ErrorResponses {
  readonly #log: Logger;
  readonly #env: string;
  readonly #reported = new WeakMap<Request, unknown>();

  constructor(log: Logger, { production }: { production: boolean }) {
    this.#log = log;
    this.#env = production ? 'production' : 'development';
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
      if (!res.headersSent) removeBodyHeaders(res);
      finalhandler(req, res, { env: this.#env })(error);
    };
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

// As finalhandler has it.
function statusOf(error: unknown, { statusCode }: Response): number {
  const { status, statusCode: other } = Object(error) as { status?: unknown; statusCode?: unknown };
  const isOfError = (value: unknown): value is number => typeof value === 'number' && value >= 400 && value < 600;
  return [status, other, statusCode].find(isOfError) ?? 500;
}

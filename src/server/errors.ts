import { STATUS_CODES } from 'node:http';
import type { ErrorRequestHandler, Express, Request, Response } from 'express';
import type { Logger } from 'pino';
import { type Problem, sendProblem } from './problem.ts';

type Details = typeof import('./development/problems.ts');

interface Served {
  log: Logger;
  app: Express;
  /** The environment's, absolute. */
  directory: string;
  production: boolean;
}

/** Responds to what handlers threw, as Express does by itself; but what is printed of it goes through the log. */
export class ErrorResponses {
  readonly #served: Served;
  readonly #reported = new WeakMap<Request, unknown>();

  constructor(served: Served) {
    this.#served = served;
  }

  /** Responds where no route does. */
  readonly notFound = async (req: Request, res: Response): Promise<void> => {
    const message = `There is no page at ${req.method} ${req.path}`;
    const problem = { status: 404, text: `${message}\n`, json: { status: 404, message } };
    await this.#send(req, res, problem, ({ detailNotFound }) => detailNotFound(problem, this.#served.app));
  };

  /** @param appHandler the application's, which responds after the error was logged, unless a response has begun */
  by(appHandler: ErrorRequestHandler): ErrorRequestHandler {
    return (error, req, res, next) => {
      this.#report(error, req, res);
      if (res.headersSent) return next(error);
      removeBodyHeaders(res);
      return appHandler(error, req, res, next);
    };
  }

  /** What Express calls at the end of a request that no handler responded to. */
  last(req: Request, res: Response): (error?: unknown) => void {
    return (error) => {
      if (error) this.#report(error, req, res);
      // What was answered before the handler failed still has to leave.
      if (res.writableEnded) return;
      if (res.headersSent) req.socket.destroy();
      else this.#respond(error, req, res).catch((failure) => this.#cut(failure, req));
    };
  }

  async #respond(error: unknown, req: Request, res: Response): Promise<void> {
    if (!error) return this.notFound(req, res);
    const status = statusOf(error, res);
    removeBodyHeaders(res);
    if (isNamedBy(error)) for (const [name, value] of headersOf(error)) res.setHeader(name, value);
    const message = STATUS_CODES[status] ?? `Error ${status}`;
    const problem = { status, text: `${message}.\n`, json: { status, message } };
    await this.#send(req, res, problem, ({ detailError }) => detailError(problem, error, req, this.#served.directory));
  }

  /** @param detail adds what only a developer may see */
  async #send(
    req: Request,
    res: Response,
    problem: Problem,
    detail: (details: Details) => Problem | Promise<Problem>,
  ): Promise<void> {
    const sent = this.#served.production ? problem : await detail(await import('./development/problems.ts'));
    if (!res.headersSent) sendProblem(req, res, sent);
  }

  // Nobody else responds by now.
  #cut(failure: unknown, req: Request): void {
    this.#served.log.error({ err: failure }, 'the response to an error could not be sent');
    req.socket.destroy();
  }

  #report(error: unknown, req: Request, res: Response): void {
    if (statusOf(error, res) < 500 || this.#reported.get(req) === error) return;
    this.#reported.set(req, error);
    (req.log ?? this.#served.log).error({ err: error }, 'a request failed');
  }
}

// What a handler has said of the body that it did not come to send. The policy of a page is the server's own.
function removeBodyHeaders(res: Response): void {
  const isOfBody = /^(content-(?!security-policy)|(cache-control|etag|expires|last-modified)$)/;
  for (const name of res.getHeaderNames()) if (isOfBody.test(name)) res.removeHeader(name);
}

// Express's own final handler (finalhandler) decides so: by the error, by the response, 500. Only its page is another one.
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

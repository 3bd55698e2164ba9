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

/** Responds to the errors of handlers as Express itself does, but writes them to the log. */
export class ErrorResponses {
  readonly #served: Served;
  readonly #reported = new WeakMap<Request, unknown>();

  constructor(served: Served) {
    this.#served = served;
  }

  /** Responds when no route matches. */
  readonly notFound = async (req: Request, res: Response): Promise<void> => {
    const message = `There is no page at ${req.method} ${req.path}`;
    const problem = { status: 404, text: `${message}\n`, json: { status: 404, message } };
    await this.#send(req, res, problem, ({ detailNotFound }) => detailNotFound(problem, this.#served.app));
  };

  /** @param appHandler the application's error handler. It runs after the error was logged, unless headers were sent. */
  by(appHandler: ErrorRequestHandler): ErrorRequestHandler {
    return (error, req, res, next) => {
      this.#report(error, req, res);
      if (res.headersSent) return next(error);
      removeBodyHeaders(res);
      return appHandler(error, req, res, next);
    };
  }

  /** The final handler: Express calls it when no other handler responded. */
  last(req: Request, res: Response): (error?: unknown) => void {
    return (error) => {
      if (error) this.#report(error, req, res);
      // The handler finished its response before it failed, and the response is still being sent.
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

  /** @param detail adds the details that only a developer may see */
  async #send(
    req: Request,
    res: Response,
    problem: Problem,
    detail: (details: Details) => Problem | Promise<Problem>,
  ): Promise<void> {
    const sent = this.#served.production ? problem : await detail(await import('./development/problems.ts'));
    if (!res.headersSent) sendProblem(req, res, sent);
  }

  // No other handler will respond, so close the connection.
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

// Removes the headers for a body that the handler did not send. Content-Security-Policy is the server's own.
function removeBodyHeaders(res: Response): void {
  const isOfBody = /^(content-(?!security-policy)|(cache-control|etag|expires|last-modified)$)/;
  for (const name of res.getHeaderNames()) if (isOfBody.test(name)) res.removeHeader(name);
}

// Like Express's own final handler (finalhandler): the status of the error, else of the response, else 500.
function statusOf(error: unknown, { statusCode }: Response): number {
  return statusesOf(error).find(isOfError) ?? (isOfError(statusCode) ? statusCode : 500);
}

/** True when the error itself has the status. Only then its headers are used. */
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

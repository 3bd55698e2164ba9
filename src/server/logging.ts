import cluster from 'node:cluster';
import type { Request, RequestHandler, Response } from 'express';
import { type Logger, pino } from 'pino';
import { aborted, bound, completed, escapeControls, toText } from './log-line.ts';
import { LogOutput } from './log-output.ts';
import { type Counts, countRequest } from './metrics/counts.ts';

/** JSON lines in production, lines for a person in development. In JSON a worker names itself. */
export function createLogger({ production }: { production: boolean }): Logger {
  const options = {
    base: cluster.isWorker ? { pid: process.pid } : null,
    // No other header is logged: they hold cookies and passwords.
    serializers: { req: describeRequest, res: ({ statusCode }: Response) => ({ statusCode }) },
  };
  const output = new LogOutput((lines) => log.warn({ lines }, 'lines of the log were dropped: nobody read them'));
  const destination = {
    // Makes pino say the level of each line.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    write(json: string): void {
      const line = bound(json);
      output.print(escapeControls(production ? line : toText(line)), this.lastLevel);
    },
  };
  const log = pino(options, destination);
  return log;
}

function describeRequest({ id, method, originalUrl, url, headers }: Request): object {
  return { id, method, url: originalUrl ?? url, userAgent: headers?.['user-agent'] };
}

const requestLog = Symbol('log');

/** One line for each request, once it is answered or its client has gone away; and `req.log` for the application. */
export function logRequests(app: { request: object }, log: Logger, counts: Counts): RequestHandler {
  let count = 0;
  // Most requests say nothing: only one that does has a log of its own.
  const property: PropertyDescriptor & ThisType<Request & { [requestLog]?: Logger }> = {
    get() {
      this[requestLog] ??= log.child({ req: this });
      return this[requestLog];
    },
    set(own: Logger) {
      this[requestLog] = own;
    },
  };
  Object.defineProperty(app.request, 'log', property);
  return (req, res, next) => {
    const startMs = performance.now();
    count += 1;
    req.id = count;
    res.on('error', (error) => req.log.error({ err: error }, 'an answer could not be sent'));
    res.once('close', () => {
      countRequest(counts, res.statusCode);
      if (isIconMissing(req, res)) return;
      const responseTime = Math.round(performance.now() - startMs);
      // Behind proxies the connection is theirs; `ip` is the client that they name, as far as TRUST_PROXY believes them.
      // Who has gone away before the end has not got the answer, whatever its status would have been.
      const message = res.writableFinished ? completed : aborted;
      log[res.statusCode >= 500 ? 'error' : 'info']({ req, res, responseTime, ip: req.ip }, message);
    });
    next();
  };
}

// Each browser asks for it by itself, whatever the page says.
function isIconMissing({ path }: Request, { statusCode }: Response): boolean {
  return path === '/favicon.ico' && statusCode === 404;
}

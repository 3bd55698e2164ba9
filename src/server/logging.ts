import cluster from 'node:cluster';
import type { Request, RequestHandler, Response } from 'express';
import { type Logger, pino } from 'pino';
import { aborted, bound, completed, escapeControls, toText } from './log-line.ts';
import { LogOutput } from './log-output.ts';
import { type Counts, countRequest } from './metrics/counts.ts';

/** Logs JSON in production, and text in development. JSON lines of a worker contain its pid. */
export function createLogger({ production }: { production: boolean }): Logger {
  const options = {
    base: cluster.isWorker ? { pid: process.pid } : null,
    // Log no other headers: they can contain cookies and passwords.
    serializers: { req: describeRequest, res: ({ statusCode }: Response) => ({ statusCode }) },
  };
  const output = new LogOutput((lines) => log.warn({ lines }, 'log lines were dropped: they could not be written'));
  const destination = {
    // Makes pino set lastLevel for each line.
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

/** Logs a line for each request when its response was sent or its client disconnected; sets `req.log` for the application. */
export function logRequests(app: { request: object }, log: Logger, counts: Counts): RequestHandler {
  let count = 0;
  // Most requests log nothing, so create the logger of a request only when it is used.
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
    res.on('error', (error) => req.log.error({ err: error }, 'a response could not be sent'));
    res.once('close', () => {
      countRequest(counts, res.statusCode);
      if (isIconMissing(req, res)) return;
      const responseTime = Math.round(performance.now() - startMs);
      // Behind proxies, `ip` is the client's address from their headers, if TRUST_PROXY trusts them.
      // A client that disconnected early did not get the response, whatever its status.
      const message = res.writableFinished ? completed : aborted;
      log[res.statusCode >= 500 ? 'error' : 'info']({ req, res, responseTime, ip: req.ip }, message);
    });
    next();
  };
}

// Every browser requests it, even if no page refers to it.
function isIconMissing({ path }: Request, { statusCode }: Response): boolean {
  return path === '/favicon.ico' && statusCode === 404;
}

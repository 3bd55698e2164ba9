import cluster from 'node:cluster';
import type { Request, RequestHandler, Response } from 'express';
import { type Logger, pino } from 'pino';

declare global {
  namespace Express {
    interface Request {
      /** Numbers the requests of this process. */
      id: number;
      /** The log, whose lines name this request. */
      log: Logger;
    }
  }
}

/** JSON lines in production, lines for a person in development. In JSON a worker names itself. */
export function createLogger({ production }: { production: boolean }): Logger {
  const options = {
    base: cluster.isWorker ? { pid: process.pid } : null,
    // No other header is logged: they hold cookies and passwords.
    serializers: { req: describeRequest, res: ({ statusCode }: Response) => ({ statusCode }) },
  };
  // A log that nobody can take any more must not end the server.
  process.stdout.on('error', ignoreLostLog);
  process.on('exit', flush);
  const output = {
    // Makes pino say the level of each line.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    write(line: string): void {
      print(escapeControls(production ? line : toText(line)), this.lastLevel);
    },
  };
  return pino(options, output);
}

// In what clients send there may be some that a terminal obeys, such as U+009B; JSON leaves those after ASCII as they are.
function escapeControls(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const warning = 40;
let waiting = '';

// What is logged in one turn of the event loop is written together, which spares a system call for each line. What went
// wrong is written at once, as the process may be about to end.
function print(text: string, level: number): void {
  if (waiting === '') setImmediate(flush);
  waiting += text;
  if (level >= warning) flush();
}

function flush(): void {
  const text = waiting;
  waiting = '';
  if (text === '') return;
  try {
    process.stdout.write(text);
  } catch (error) {
    ignoreLostLog(error);
  }
}

// The reader of a pipe went away, the terminal was closed, or the disk is full.
function ignoreLostLog(error: unknown): void {
  if (!['EPIPE', 'EIO', 'ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
}

function describeRequest({ id, method, originalUrl, url, headers }: Request): object {
  return { id, method, url: originalUrl ?? url, userAgent: headers?.['user-agent'] };
}

const requestLog = Symbol('log');

/** One line for each request, once it is answered or its client has gone away; and `req.log` for the application. */
export function logRequests(app: { request: object }, log: Logger): RequestHandler {
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
      const responseTime = Math.round(performance.now() - startMs);
      // Behind proxies the connection is theirs; `ip` is the client that they name, as far as TRUST_PROXY believes them.
      log[res.statusCode >= 500 ? 'error' : 'info']({ req, res, responseTime, ip: req.ip }, describe(req, res));
    });
    next();
  };
}

// Who has gone away before the end has not got the answer, whatever its status would have been.
function describe({ method, originalUrl }: Request, res: Response): string {
  return `${method} ${originalUrl} ${res.writableFinished ? res.statusCode : 'aborted'}`;
}

interface Line {
  time: number;
  msg?: string;
  responseTime?: number;
  err?: { stack?: string };
}

function toText(json: string): string {
  const { time, msg = '', responseTime, err } = JSON.parse(json) as Line;
  const clock = new Date(time).toTimeString().slice(0, 8);
  const took = responseTime === undefined ? '' : ` ${responseTime} ms`;
  const stack = err?.stack ? `\n${err.stack}` : '';
  return `${clock} ${msg}${took}${stack}\n`;
}

import type { RequestHandler } from 'express';
import { type Logger, pino } from 'pino';
import { pinoHttp } from 'pino-http';

/** JSON lines in production, lines for a person in development; never a cookie. */
export function createLogger({ production }: { production: boolean }): Logger {
  const options = {
    base: null,
    redact: ['req.headers.cookie', 'req.headers.authorization', 'res.headers["set-cookie"]'],
  };
  // A log that nobody can take any more must not end the server.
  process.stdout.on('error', ignoreLostLog);
  return pino(options, { write: (line) => print(production ? line : toText(line)) });
}

function print(text: string): void {
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

/** One line for each request, once it is answered. */
export function logRequests(log: Logger): RequestHandler {
  return pinoHttp({
    logger: log,
    customLogLevel: (_req, res, error) => (error || res.statusCode >= 500 ? 'error' : 'info'),
    customSuccessMessage: (req, res) => `${req.method} ${req.url} ${res.statusCode}`,
    customErrorMessage: (req, res) => `${req.method} ${req.url} ${res.statusCode}`,
  });
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
  const took = responseTime === undefined ? '' : ` ${Math.round(responseTime)} ms`;
  // What pino-http says of a failed request repeats an error that was logged where it was caught.
  const stack = err?.stack && responseTime === undefined ? `\n${err.stack}` : '';
  return `${clock} ${msg}${took}${stack}\n`;
}

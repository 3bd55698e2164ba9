import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type {} from 'express-session';
import { StoreUnavailable } from '../stores/errors.ts';

// Nothing here calls a method that Express adds, so requests and responses may come from node:http, Connect or Express 4.

export type Request = IncomingMessage &
  Express.Request & {
    originalUrl?: string;
    secure?: boolean;
    // Set by cookie-parser.
    cookies?: Record<string, unknown>;
    signedCookies?: Record<string, unknown>;
    secret?: string | undefined;
  };
export type Response = ServerResponse;

/**
 * Whether the client's connection is encrypted.
 * @param proxy true: trust X-Forwarded-Proto; false: ignore it; undefined: use Express's `req.secure` if it exists
 */
export function isSecure(req: Request, proxy: boolean | undefined): boolean {
  if ((req.socket as Partial<TLSSocket> | undefined)?.encrypted) return true;
  if (proxy !== true) return proxy === undefined && req.secure === true;
  // `store.load` of express-session creates a session for an object that has no headers.
  const { headers = {} } = req as Partial<Request>;
  return firstOf(headers['x-forwarded-proto']).toLowerCase() === 'https';
}

/** Advice for a server behind a proxy that terminates TLS. */
export const trustProxy =
  'Behind a proxy that terminates TLS, set TRUST_PROXY in an environment. In an application of your own, call ' +
  "app.set('trust proxy', 1), or set the option proxy of session() to true";

/** The host and port that the client asked for. @param proxy whether to trust X-Forwarded-Host */
export function hostOf({ headers }: Request, proxy: boolean): string {
  return (proxy && firstOf(headers['x-forwarded-host'])) || (headers.host ?? '');
}

// Each proxy appends a value; the first one is from the client's request.
function firstOf(header: string | string[] | undefined): string {
  return [header ?? ''].flat().join(',').split(',')[0]?.trim() ?? '';
}

export const plainText: OutgoingHttpHeaders = { 'Content-Type': 'text/plain; charset=utf-8' };

/** Adds a field to the Vary header, unless the header has it already. */
export function vary(res: Response, field: string): void {
  const before = [res.getHeader('Vary') ?? []].flat().join(', ');
  const named = before.toLowerCase().split(/\s*,\s*/);
  if (named.includes('*') || named.includes(field.toLowerCase())) return;
  res.setHeader('Vary', before === '' ? field : `${before}, ${field}`);
}

/** Sends a complete response. */
export function send(res: Response, status: number, headers: OutgoingHttpHeaders, body: string): void {
  res.statusCode = status;
  for (const [name, value] of Object.entries({ ...headers, 'Content-Length': Buffer.byteLength(body) })) {
    if (value !== undefined) res.setHeader(name, value);
  }
  res.end(body);
}

/** The response that a client gets instead of the handler's. */
export interface FailureResponse {
  status: number;
  headers: OutgoingHttpHeaders;
  body: string;
}

export function responseFor(error: unknown): FailureResponse {
  const headers = { ...plainText, 'Cache-Control': 'no-store' };
  if (!(error instanceof StoreUnavailable)) return { status: 500, headers, body: 'Something went wrong.\n' };
  const body = 'Sessions are not available at the moment. Try again shortly.\n';
  return { status: 503, headers: { ...headers, 'Retry-After': '5' }, body };
}

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type {} from 'express-session';
import { StoreUnavailable } from '../stores/errors.ts';

// Nothing here calls a method that Express added: requests and responses may be those of node:http, Connect or Express 4.

export type Request = IncomingMessage &
  Express.Request & {
    originalUrl?: string;
    secure?: boolean;
    // Of cookie-parser.
    cookies?: Record<string, unknown>;
    signedCookies?: Record<string, unknown>;
    secret?: string | undefined;
  };
export type Response = ServerResponse;

/**
 * Whether the client's connection is encrypted.
 * @param proxy true: X-Forwarded-Proto is believed; false: it is not; undefined: what Express says, where it does
 */
export function isSecure(req: Request, proxy: boolean | undefined): boolean {
  if ((req.socket as Partial<TLSSocket> | undefined)?.encrypted) return true;
  if (proxy !== true) return proxy === undefined && req.secure === true;
  // The store's own `load` makes a session for a request that is hardly one.
  const { headers = {} } = req as Partial<Request>;
  return firstOf(headers['x-forwarded-proto']).toLowerCase() === 'https';
}

/** The host that the client asked for, with its port. @param proxy whether X-Forwarded-Host is believed */
export function hostOf({ headers }: Request, proxy: boolean): string {
  return (proxy && firstOf(headers['x-forwarded-host'])) || (headers.host ?? '');
}

// Each proxy adds what it was asked for; the first value is the client's.
function firstOf(header: string | string[] | undefined): string {
  return [header ?? ''].flat().join(',').split(',')[0]?.trim() ?? '';
}

export const plainText: OutgoingHttpHeaders = { 'Content-Type': 'text/plain; charset=utf-8' };

/** Adds a field to the Vary header, where it is not named already. */
export function vary(res: Response, field: string): void {
  const before = [res.getHeader('Vary') ?? []].flat().join(', ');
  const named = before.toLowerCase().split(/\s*,\s*/);
  if (named.includes('*') || named.includes(field.toLowerCase())) return;
  res.setHeader('Vary', before === '' ? field : `${before}, ${field}`);
}

/** Sends a whole response. */
export function send(res: Response, status: number, headers: OutgoingHttpHeaders, body: string): void {
  res.statusCode = status;
  for (const [name, value] of Object.entries({ ...headers, 'Content-Length': Buffer.byteLength(body) })) {
    if (value !== undefined) res.setHeader(name, value);
  }
  res.end(body);
}

/** What a client gets instead of the handler's answer. */
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

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { toUserError, UserError } from '../../errors.ts';
import { parseJson } from '../../files.ts';
import { type Access, isFromHere } from './access.ts';
import { calls, type Dashboard } from './api.ts';
import { type Asset, translate } from './assets.ts';

/** The maximum length of a request body. */
const bodyLimit = 10_000;

const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

type Failure = Pick<UserError, 'code' | 'message'> & { hint?: string | undefined };

interface Site {
  dashboard: Dashboard;
  access: Access;
  assets: Map<string, Asset>;
  /** Called with an error that is a bug. */
  onBug(error: unknown): void;
}

/** Creates the server of the dashboard. Every request except those for the page's files needs the token of the page. */
export function createDashboardServer(site: Site): Server {
  return createServer((req, res) => {
    respond(site, req, res).catch((error: unknown) => {
      // The client disconnected before it had sent the whole request.
      if (!req.complete && req.destroyed) return;
      site.onBug(error);
      if (res.headersSent) res.destroy();
      else sendError(res, 500, { code: 'bug', message: 'The dashboard failed. Its terminal shows why.' });
    });
  });
}

async function respond(site: Site, req: IncomingMessage, res: ServerResponse): Promise<void> {
  if (!isFromHere(req))
    return sendError(res, 403, { code: 'foreign', message: 'The request comes from another site.' });
  const [path = '', query] = (req.url ?? '').split('?');
  const asset = site.assets.get(path);
  if (asset && ['GET', 'HEAD'].includes(req.method ?? '')) {
    const { type, content } = path === '/' ? translate(asset, req.headers['accept-language']) : asset;
    return send(res, 200, type, content);
  }
  try {
    sendJson(res, 200, await call(site, `${req.method} ${path}`, new URLSearchParams(query), req, res));
  } catch (error) {
    const expected = toUserError(error);
    if (!expected) throw error;
    sendError(res, statuses[expected.code] ?? 409, expected);
  }
}

const statuses: Record<string, number> = {
  'no-access': 403,
  'link-used': 403,
  'read-only': 403,
  'not-found': 404,
  'session-unknown': 404,
};

async function call(
  { access, dashboard }: Site,
  name: string,
  params: URLSearchParams,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<object> {
  const body = req.method === 'POST' ? await readBody(req) : {};
  if (name === 'POST /api/enter') return { token: access.enter(body.token) };
  access.verify(req);
  const made = calls[name];
  if (!made) throw new UserError('not-found', 'There is no such page.');
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  return made({ dashboard, params, body, signal: gone.signal });
}

async function readBody(req: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of req.setEncoding('utf8')) {
    text += chunk;
    if (text.length > bodyLimit) throw new UserError('too-large', 'The request is too large.');
  }
  const body = parseJson(text);
  return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
}

function sendError(res: ServerResponse, status: number, { code, message, hint }: Failure): void {
  sendJson(res, status, { error: { code, message, ...(hint !== undefined && { hint }) } });
}

function sendJson(res: ServerResponse, status: number, value: object): void {
  send(res, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

function send(res: ServerResponse, status: number, type: string, content: string): void {
  res
    .writeHead(status, { ...headers, 'Content-Type': type, 'Content-Length': Buffer.byteLength(content) })
    .end(content);
}

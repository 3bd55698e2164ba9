import cluster from 'node:cluster';
import type { ServerResponse } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import { isDraining, onDraining } from '../drain.ts';
import { filesPath } from './files.ts';

/** How long a browser waits before it reconnects. */
const retryMs = 300;

// All workers of a run share this id.
const runId = `?${cluster.isWorker ? process.ppid : process.pid}`;
const script = `<script src="${filesPath}reload.js${runId}" defer></script>\n`;

/** True under `sessapp serve --watch` and `node --watch`. */
export function isWatched(): boolean {
  return process.env.WATCH_REPORT_DEPENDENCIES !== undefined;
}

/** Sends the id of this run to open pages, in an event stream that ends when the server starts to drain. */
export function streamRunId(): RequestHandler {
  const streams = new Set<Response>();
  onDraining(() => {
    for (const res of streams) res.end();
  });
  return (req, res, next) => {
    if (req.path !== `${filesPath}reload` || req.method !== 'GET') return next();
    res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    res.write(`retry: ${retryMs}\ndata: ${runId}\n\n`);
    if (isDraining()) return res.end();
    streams.add(res);
    res.once('close', () => streams.delete(res));
  };
}

/** Adds the reload script to each page that a browser opens. */
export const injectReloadScript: RequestHandler = (req, res, next) => {
  if (isPageRequest(req)) {
    // A cached page would have the script of an earlier run, and a compressed page cannot be extended.
    for (const name of ['accept-encoding', 'if-none-match', 'if-modified-since'])
      Reflect.deleteProperty(req.headers, name);
    appendToPage(res, script);
  }
  next();
};

// Reloading the response to a POST would submit the form again. A fragment that a script fetches needs no script.
function isPageRequest({ method, headers }: Request): boolean {
  const { accept, 'sec-fetch-dest': destination = 'document' } = headers;
  return method === 'GET' && destination === 'document' && /\btext\/html\b/.test(accept ?? '');
}

type Call = (...args: unknown[]) => ServerResponse;

function appendToPage(res: ServerResponse, text: string): void {
  const { write, writeHead, end } = res as unknown as Record<'write' | 'writeHead' | 'end', Call>;
  const patchedWriteHead: Call = (...args) => {
    if (isPage(res)) {
      for (const name of ['Content-Length', 'ETag', 'Last-Modified']) res.removeHeader(name);
      res.setHeader('Cache-Control', 'no-store');
    }
    return writeHead.apply(res, args);
  };
  let isEnded = false;
  const patchedEnd: Call = (...args) => {
    if (isEnded || !isPage(res)) return end.apply(res, args);
    isEnded = true;
    const [chunk, encoding] = args.filter((arg) => typeof arg !== 'function' && arg !== null);
    if (chunk !== undefined) write.call(res, chunk, encoding);
    return end.call(res, text, ...args.filter((arg) => typeof arg === 'function'));
  };
  Object.assign(res, { writeHead: patchedWriteHead, end: patchedEnd });
}

function isPage(res: ServerResponse): boolean {
  const type = String(res.getHeader('Content-Type') ?? '');
  return /^text\/html\b/i.test(type) && !res.hasHeader('Content-Encoding') && ![204, 304].includes(res.statusCode);
}

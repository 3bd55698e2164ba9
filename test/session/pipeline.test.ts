import { connect } from 'node:net';
import type { RequestHandler } from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { change, gate, openStore, startSite } from './support.ts';

const count = 8000;

// Reads the body, which makes the connection continue to read, as body-parser does.
const readBody: RequestHandler = (req, _, next) => void req.resume().once('end', () => next());

/** Sends all requests on one connection without waiting for responses. */
function pipeline(url: string, request: (n: number) => string): { text: () => string; ended: Promise<void> } {
  const { port, hostname } = new URL(url);
  const parts: Buffer[] = [];
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  const all = Array.from({ length: count }, (_, n) => request(n)).join('');
  socket.end(all);
  const ended = new Promise<void>((resolve, reject) => {
    socket
      .on('data', (part) => parts.push(part))
      .on('end', resolve)
      .on('error', reject);
  });
  return { text: () => Buffer.concat(parts).toString(), ended };
}

test.each<[string, head: string, body: string]>([
  ['requests', 'GET', ''],
  ['requests with a body', 'POST', 'x=1'],
])('%s that a client pipelines are not all handled at the same time', async (_, method, body) => {
  const store = await openStore();
  const { opened, open } = gate();
  let reads = 0;
  const site = await startSite(
    (app) => {
      app.get('/login', (req, res) => {
        req.session.userId = 'ann';
        res.send();
      });
      app.get('/free', (_req, res) => res.send());
      app.all('/:n', readBody, (req, res) => res.end(`<${req.params.n} ${req.session.userId}>`));
    },
    {
      limits: { storeDeadlineMs: 60_000 },
      driver: change(store, {
        read: async (key) => {
          reads += 1;
          await opened;
          return store.read(key);
        },
      }),
    },
  );
  const { cookie } = await site.request('/login');
  const length = body && `Content-Length: ${body.length}\r\n`;
  const head = (n: number): string => `${method} /${n} HTTP/1.1\r\nHost: a\r\nCookie: ${cookie}\r\n${length}`;
  const { text, ended } = pipeline(
    site.url,
    (n) => `${head(n)}${n === count - 1 ? 'Connection: close\r\n' : ''}\r\n${body}`,
  );
  await expect.poll(() => reads, { timeout: 10_000 }).toBeGreaterThan(100);
  // The server has had time to read the rest: it responds to other requests.
  for (let turn = 0; turn < 50; turn += 1) await site.request('/free');
  expect(reads).toBeLessThan(2000);
  open();
  await ended;
  const seen = [...text().matchAll(/<(\d+) ann>/g)].map(([, n]) => Number(n));
  expect(seen).toEqual(Array.from({ length: count }, (_item, n) => n));
});

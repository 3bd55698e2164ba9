import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Request, Response } from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { createMiddleware } from '../../src/session/middleware.ts';
import type { Driver } from '../../src/stores/driver.ts';
import { change, openStore, secretOf, startSite, strictOptions } from './support.ts';

/** A WebSocket server that reports the session of an upgrade. */
async function startUpgrades(driver: Driver): Promise<(method: string, cookie: string) => Promise<string>> {
  const log = { warn: () => undefined, error: () => undefined };
  const parse = createMiddleware(driver, { ...strictOptions(), secrets: () => [secretOf('a')], log });
  const server = createServer().on('upgrade', (message: IncomingMessage, socket) => {
    const req = message as Request;
    const respond = async (error: unknown): Promise<void> => {
      const said = error ? String(error) : await countUp(req);
      socket.end(`HTTP/1.1 400 No\r\nContent-Length: ${Buffer.byteLength(said)}\r\nConnection: close\r\n\r\n${said}`);
    };
    parse(req, {} as Response, (error) => void respond(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return (method, cookie) => upgrade(port, method, cookie);
}

async function countUp(req: Request): Promise<string> {
  if (!req.session.userId) return 'nobody';
  await req.session.update((data) => {
    data.count = (data.count ?? 0) + 1;
  });
  return `${req.session.userId} ${req.session.count}`;
}

function upgrade(port: number, method: string, cookie: string): Promise<string> {
  const headers = { Connection: 'Upgrade', Upgrade: 'websocket', Origin: 'http://site.example', Cookie: cookie };
  return new Promise((resolve, reject) => {
    const sent = request({ port, method, headers, agent: false }, async (response) => {
      resolve((await response.setEncoding('utf8').toArray()).join(''));
    });
    sent.on('error', reject).end();
  });
}

test('a WebSocket upgrade, which has no response, gets its session', async () => {
  const driver = await openStore();
  const site = await startSite(
    (app) =>
      app.get('/login', (req, res) => {
        req.session.userId = 'ann';
        res.send();
      }),
    { driver },
  );
  const ask = await startUpgrades(driver);
  const { cookie } = await site.request('/login');
  expect(await ask('GET', 'sid=x')).toBe('nobody');
  expect(await ask('GET', cookie)).toBe('ann 1');
  expect(await ask('POST', cookie)).toBe('ann 2');
});

test('an upgrade whose session cannot be read gets an error', async () => {
  const store = await openStore();
  const site = await startSite((app) =>
    app.get('/', (req, res) => {
      req.session.userId = 'ann';
      res.send();
    }),
  );
  const { cookie } = await site.request('/');
  const ask = await startUpgrades(change(store, { read: () => Promise.reject(new Error('down')) }));
  expect(await ask('GET', cookie)).toMatch(/^StoreUnavailable: /);
});

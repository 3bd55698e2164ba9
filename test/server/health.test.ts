import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express } from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { serveHealth } from '../../src/server/health.ts';
import { type HttpResponse, send } from '../support/http.ts';

async function startWith(ping: () => Promise<void>, routes: (app: Express) => void = () => undefined) {
  const app = express();
  app.use(serveHealth(app, { ping }));
  routes(app);
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return (path: string, method = 'GET'): Promise<HttpResponse> => send(url + path, { method });
}

const well = (): Promise<void> => Promise.resolve();

test('while the store fails, the server is alive but not ready', async () => {
  let isDown = true;
  const ask = await startWith(() => (isDown ? Promise.reject(new Error('down')) : Promise.resolve()));
  expect(await ask('/readyz')).toMatchObject({ status: 503, body: 'not ready\n' });
  expect(await ask('/healthz')).toMatchObject({ status: 200, body: 'ok\n' });
  isDown = false;
  expect(await ask('/readyz')).toMatchObject({ status: 200, body: 'ok\n' });
});

test('a server whose store does not respond within 1 s is not ready, and concurrent checks share one call', async () => {
  let asked = 0;
  const ask = await startWith(() => {
    asked += 1;
    return new Promise(() => undefined);
  });
  const responses = await Promise.all(Array.from({ length: 20 }, () => ask('/readyz')));
  expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([503]));
  expect(asked).toBe(1);
  await ask('/readyz');
  expect(asked).toBe(2);
});

test('HEAD gets the response of GET; other methods and paths go to the application', async () => {
  const ask = await startWith(well);
  expect(await ask('/readyz', 'HEAD')).toMatchObject({ status: 200, body: '' });
  expect((await ask('/readyz', 'POST')).status).toBe(404);
  expect((await ask('/healthz/', 'GET')).status).toBe(404);
  expect((await ask('/__proto__')).status).toBe(404);
});

test.each<[string, (app: Express) => void]>([
  ['app.get', (app) => app.get('/healthz', (_, res) => void res.send('mine'))],
  ['app.all', (app) => app.all('/healthz', (_, res) => void res.send('mine'))],
  ['several paths', (app) => app.get(['/alive', '/healthz'], (_, res) => void res.send('mine'))],
])('the application’s own route for the path takes precedence: %s', async (_, routes) => {
  const ask = await startWith(well, routes);
  expect((await ask('/healthz')).body).toBe('mine');
  expect((await ask('/readyz')).body).toBe('ok\n');
});

import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { send } from '../support/http.ts';
import { Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, startPlain, waitFor } from '../support/server.ts';

const sandbox = new Sandbox(afterAll);
const page = '<!doctype html><p>안녕</p>';
const routes = `
  const page = ${JSON.stringify(page)};
  app.use(express.static(import.meta.dirname + '/public'));
  app.get('/sent', (req, res) => { req.session.visits = 1; res.send(page); });
  app.post('/sent', (req, res) => res.send(page));
  app.get('/ended', (req, res) => res.setHeader('Content-Type', 'text/html').end(Buffer.from(page)));
  app.get('/head', (req, res) => res.writeHead(200, { 'Content-Type': 'text/html', 'Content-Length': Buffer.byteLength(page) }).end(page));
  app.get('/stream', (req, res) => { res.type('html').write(page); setImmediate(() => res.end()); });
  app.get('/twice', (req, res) => { res.send(page); res.end(); });
  app.get('/empty', (req, res) => res.status(204).type('html').end());
  app.get('/json', (req, res) => res.json({ a: 1 }));
  app.get('/packed', (req, res) => res.type('html').set('Content-Encoding', 'x').send(page));
  app.get('/asked', (req, res) => res.json(req.headers));
  app.get('/fail', () => { throw new Error('x'); });`;
const watched = { WATCH_REPORT_DEPENDENCIES: '1' };
const asBrowser = { Accept: 'text/html,*/*;q=0.8', 'Sec-Fetch-Dest': 'document' };
const script = /<script src="(\/_sessapp\/reload\.js\?\d+)" defer><\/script>\n$/;

let environment: string;
let server: Awaited<ReturnType<typeof startPlain>>;
let plain: Awaited<ReturnType<typeof startPlain>>;

beforeAll(async () => {
  environment = await copyEnvironment(sandbox);
  await addRoutes(environment, routes);
  const app = join(environment, 'app.js');
  await writeFile(app, `import express from 'express';\n${await readFile(app, 'utf8')}`);
  await mkdir(join(environment, 'public'), { recursive: true });
  await writeFile(join(environment, 'public', 'file.html'), page);
  server = await startPlain(sandbox, environment, { env: watched });
  plain = await startPlain(sandbox, environment);
});

const ask = (path: string, headers: Record<string, string> = asBrowser, method = 'GET') =>
  send(server.url + path, { method, headers });

test.each(['/sent', '/ended', '/head', '/stream', '/twice', '/file.html'])(
  'a page that a browser opens ends with the script, whatever method sent the page: %s',
  async (path) => {
    const { body, headers } = await ask(path);
    expect(body.replace(script, '')).toBe(page);
    expect(body).toMatch(script);
    expect(headers['cache-control']).toContain('no-store');
    expect(headers).not.toHaveProperty('etag');
    expect((await send(plain.url + path, { headers: asBrowser })).body).toBe(page);
  },
);

test.each(['/fail', '/missing'])('an error page also has the script: %s', async (path) => {
  expect((await ask(path)).body).toMatch(script);
  expect((await send(plain.url + path, { headers: asBrowser })).body).not.toMatch(script);
});

test.each<[what: string, path: string, headers: Record<string, string>, method?: string]>([
  ['curl', '/sent', { Accept: '*/*' }],
  ['a client without Accept', '/sent', {}],
  ['a script that fetches a fragment', '/sent', { Accept: 'text/html', 'Sec-Fetch-Dest': 'empty' }],
  ['a frame', '/sent', { Accept: 'text/html', 'Sec-Fetch-Dest': 'iframe' }],
  ['a submitted form', '/sent', { ...asBrowser, 'Sec-Fetch-Site': 'same-origin' }, 'POST'],
  ['JSON', '/json', asBrowser],
  ['a response without a body', '/empty', asBrowser],
  ['a body that the application has compressed', '/packed', asBrowser],
])('%s gets no script', async (_, path, headers, method) => {
  const [mine, other] = await Promise.all(
    [server, plain].map(({ url }) => send(url + path, { headers, ...(method && { method }) })),
  );
  expect(mine?.body).toBe(other?.body);
  expect(mine?.body).not.toContain('_sessapp');
  expect(mine?.headers['content-length']).toBe(other?.headers['content-length']);
});

test('a page is sent completely and uncompressed, whatever the browser has cached and accepts', async () => {
  const kept = { 'If-None-Match': '"x"', 'If-Modified-Since': new Date(Date.now() + 1e6).toUTCString() };
  const { status, body } = await ask('/file.html', { ...asBrowser, ...kept });
  expect([status, body.replace(script, '')]).toEqual([200, page]);
  const asked = JSON.parse((await ask('/asked', { ...asBrowser, 'Accept-Encoding': 'gzip' })).body);
  expect(asked).not.toHaveProperty('accept-encoding');
});

test('in production there is no script and no event stream', async () => {
  const { url } = await startPlain(sandbox, environment, { env: { ...watched, NODE_ENV: 'production' } });
  expect((await send(`${url}/ended`, { headers: asBrowser })).body).toBe(page);
  for (const path of ['/_sessapp/reload', '/_sessapp/reload.js']) expect((await send(url + path)).status).toBe(404);
});

test('without --watch there is no event stream', async () => {
  expect((await send(`${plain.url}/_sessapp/reload`)).status).toBe(404);
});

/** Opens the event stream, and waits for its first event. */
async function follow(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ response: IncomingMessage; said: string }> {
  const [response] = (await once(get(`${url}/_sessapp/reload`, { agent: false, headers }), 'response')) as [
    IncomingMessage,
  ];
  const [said] = (await once(response.setEncoding('utf8'), 'data')) as [string];
  return { response, said };
}

test('the stream sends the run id of the script; it creates no session and no log line', async () => {
  const { body, cookie } = await ask('/sent');
  const [, address = ''] = script.exec(body) ?? [];
  const { response, said } = await follow(server.url, { Cookie: cookie });
  expect(said).toBe(`retry: 300\ndata: ${new URL(address, server.url).search}\n\n`);
  expect(response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  });
  expect(response.headers).not.toHaveProperty('set-cookie');
  response.destroy();
  const { headers } = await ask(address);
  expect(headers['content-type']).toMatch(/javascript/);
  await ask('/json?last');
  await waitFor(() => server.output().includes('/json?last'));
  expect(server.output()).not.toContain('_sessapp');
});

test('open event streams do not delay the stop of the server', async () => {
  const { url, child, output } = await startPlain(sandbox, environment, { env: watched });
  const streams = await Promise.all([follow(url), follow(url), follow(url)]);
  const ended = Promise.all(streams.map(({ response }) => once(response.resume(), 'end')));
  child.kill('SIGTERM');
  await ended;
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(output()).not.toContain('in flight');
});

test('all workers have the same run id', async () => {
  const { url } = await startPlain(sandbox, environment, { env: { ...watched, WORKERS: '2' } });
  const said = await Promise.all(Array.from({ length: 6 }, () => follow(url)));
  expect(new Set(said.map((one) => one.said)).size).toBe(1);
  for (const { response } of said) response.destroy();
});

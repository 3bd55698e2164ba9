import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, startPlain, waitFor } from '../support/server.ts';

const sandbox = new Sandbox(afterAll);
const ESC = '\u001b';
const nasty = `one\n{"level":60,"msg":"forged"}\n${ESC}[2Jtwo`;
const said = {
  'Content-Encoding': 'gzip',
  'Content-Disposition': 'attachment',
  'Content-Length': '1',
  'Cache-Control': 'public, max-age=1000',
  ETag: '"a"',
  'Last-Modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
  'X-Mine': 'stays',
};
const routes = `
  const fail = (given) => Object.assign(new Error('secret detail'), given);
  const nasty = ${JSON.stringify(nasty)};
  app.get('/fail', (req, res) => { res.set(${JSON.stringify(said)}); throw new Error('x'); });
  app.get('/with', (req) => { throw fail(JSON.parse(req.query.given)); });
  app.get('/status', (req, res, next) => { res.status(Number(req.query.status)); next(fail({})); });
  app.get('/both', (req, res, next) => { res.status(422); next(fail({ status: 409 })); });
  app.get('/text', (req, res, next) => next(nasty));
  app.get('/nasty', () => { throw new Error(nasty); });
  app.get('/midway', (req, res) => { res.write('a'); throw new Error(nasty); });
  app.get('/sent', (req, res) => { req.session.userId = 'ann'; res.send('sent'); throw fail({}); });`;
let production: Awaited<ReturnType<typeof startPlain>>;
let development: Awaited<ReturnType<typeof startPlain>>;

beforeAll(async () => {
  const directory = await copyEnvironment(sandbox);
  await addRoutes(directory, routes);
  production = await startPlain(sandbox, directory, { env: { NODE_ENV: 'production' } });
  development = await startPlain(sandbox, directory);
});

const linesOf = (output: string): { level: number; msg: string; err?: { message: string } }[] =>
  output
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

test('the response to an error drops the headers about the handler’s body, and keeps all others', async () => {
  const { status, headers, body } = await request(`${production.url}/fail`);
  expect([status, body]).toEqual([500, 'Internal Server Error.\n']);
  expect(headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'x-mine': 'stays' });
  expect(headers['content-security-policy']).toContain("default-src 'self'");
  for (const name of ['content-encoding', 'content-disposition', 'cache-control', 'etag', 'last-modified'])
    expect(headers[name], name).toBeUndefined();
});

test.each<[status: number, path: string]>([
  [409, '/with?given={"statusCode":409}'],
  [403, '/with?given={"status":403}'],
  [404, '/with?given={"status":404,"statusCode":409}'],
  [422, '/status?status=422'],
  [503, '/status?status=503'],
  [409, '/both'],
  [500, '/status?status=302'],
  [500, '/with?given={"status":200}'],
  [500, '/with?given={"status":"404"}'],
  [500, '/with?given={"statusCode":600}'],
  [500, '/text'],
])('the response is a %i after %s, as in Express', async (status, path) => {
  for (const { url } of [production, development]) {
    const response = await request(url + encodeURI(path));
    expect(response.status).toBe(status);
    expect(/secret detail|forged/.test(response.body)).toBe(url === development.url);
  }
});

test('the headers of an error are sent only if its status is used', async () => {
  const headers = { 'Retry-After': '7', Allow: 'GET' };
  const given = encodeURIComponent(JSON.stringify({ status: 405, headers }));
  expect((await request(`${production.url}/with?given=${given}`)).headers).toMatchObject({
    'retry-after': '7',
    allow: 'GET',
  });
  const other = encodeURIComponent(JSON.stringify({ headers }));
  expect((await request(`${production.url}/with?given=${other}`)).headers).not.toHaveProperty('retry-after');
});

test('a client error is not logged as a failure; a server error is, once', async () => {
  const before = production.output().length;
  await request(`${production.url}/status?status=422`);
  await request(`${production.url}/with?given=${encodeURIComponent('{"statusCode":409}')}`);
  await request(`${production.url}/status?status=503`);
  await waitFor(() => production.output().slice(before).includes('status=503'));
  const lines = linesOf(production.output().slice(before));
  expect(lines.filter(({ msg }) => msg === 'a request failed')).toMatchObject([{ err: { message: 'secret detail' } }]);
});

test('a response that was finished before its handler failed is sent completely', async () => {
  expect(await request(`${production.url}/sent`)).toMatchObject({ status: 200, body: 'sent' });
});

test.each(['/nasty', '/midway', '/text'])(
  'in production the error of %s is logged as one line of JSON, and nothing else is printed',
  async (path) => {
    const before = production.output().length;
    const response = request(production.url + path);
    if (path === '/midway') await expect(response).rejects.toThrow(/aborted|socket hang up/);
    else expect((await response).status).toBe(500);
    await waitFor(() => production.output().slice(before).includes('a request failed'));
    await request(`${production.url}/ok?after${path}`);
    await waitFor(() => production.output().slice(before).includes(`/ok?after${path}`));
    const text = production.output().slice(before);
    const lines = linesOf(text);
    expect(lines.map(({ msg }) => msg)).not.toContain('forged');
    expect(lines.filter((line) => JSON.stringify(line).includes('forged'))).toHaveLength(1);
    expect(text).not.toContain(ESC);
  },
);

test('in development no control characters of an error reach the terminal', async () => {
  for (const path of ['/nasty', '/text']) await request(development.url + path);
  await expect(request(`${development.url}/midway`)).rejects.toThrow();
  await waitFor(() => development.output().split('a request failed').length > 3);
  expect(development.output()).not.toContain(ESC);
});

test('the failure of the application’s error handler is logged as JSON', async () => {
  const own = new Sandbox();
  const directory = await copyEnvironment(own);
  const handler = `app.use((error, req, res, next) => { throw new Error('in the handler: ' + ${JSON.stringify(nasty)}); });`;
  await addRoutes(directory, `app.get('/fail', () => { throw new Error('first'); });\n${handler}`);
  const { url, output } = await startPlain(own, directory, { env: { NODE_ENV: 'production' } });
  expect((await request(`${url}/fail`)).status).toBe(500);
  await waitFor(() => output().includes('in the handler'));
  for (const line of output().trimEnd().split('\n')) JSON.parse(line);
});

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { send } from '../support/http.ts';
import { Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, startPlain, waitFor } from '../support/server.ts';

const sandbox = new Sandbox(afterAll);
const nasty = '<script>alert(1)</script>';
const routes = `
  const fail = (message, options) => { throw new Error(message, options); };
  app.get('/fail', () => fail(${JSON.stringify(nasty)}));
  app.get('/later', async () => { await null; fail('later'); });
  app.get('/cause', () => fail('outer', { cause: new TypeError('inner', { cause: 'innermost' }) }));
  app.get('/loop', () => { const error = new Error('loop'); error.cause = error; throw error; });
  app.get('/several', () => { throw new AggregateError([new Error('one'), new Error('two')], 'both'); });
  app.get('/text', (req, res, next) => next('a text'));
  app.get('/object', (req, res, next) => next(Object.create(null, { code: { value: 7, enumerable: true } })));
  app.get('/made-up', (req) => { throw Object.assign(new Error('x'), { stack: 'Error: x\\n    at f (' + req.query.at + ':1:1)' }); });
  app.get('/bad-header', () => { throw Object.assign(new Error('x'), { status: 400, headers: { 'X-Bad': '\\n' } }); });
  app.get('/library', () => { library(); });
  app.get(['/a', '/b/:id'], (req, res) => res.send(''));
  app.all(/^\\/any/, (req, res) => res.send(''));
  const inner = Router().post('/users', (req, res) => res.send(''));
  app.use('/admin', Router().get('/', (req, res) => res.send('')).use('/more', inner));`;
const library = `export default function library() { throw new Error('in the library'); }`;

const html = 'text/html,application/xhtml+xml,*/*;q=0.8';
let development: Awaited<ReturnType<typeof startPlain>>;
let production: Awaited<ReturnType<typeof startPlain>>;
let environment: string;

beforeAll(async () => {
  environment = await copyEnvironment(sandbox);
  await addRoutes(environment, routes);
  await mkdir(join(environment, 'node_modules', 'library'));
  await writeFile(join(environment, 'node_modules', 'library', 'index.mjs'), library);
  await writeFile(join(environment, 'node_modules', 'library', 'package.json'), '{ "exports": "./index.mjs" }');
  const app = join(environment, 'app.js');
  const imports = `import { Router } from 'express';\nimport library from 'library';\n`;
  await writeFile(app, imports + (await readFile(app, 'utf8')));
  development = await startPlain(sandbox, environment);
  production = await startPlain(sandbox, environment, { env: { NODE_ENV: 'production' } });
});

const ask = (path: string, accept = html, method = 'GET') =>
  send(development.url + path, { method, headers: { Accept: accept } });

test('the error page shows the message, the line of the application and its calls, all escaped', async () => {
  const { status, headers, body } = await ask('/fail');
  expect(status).toBe(500);
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    vary: expect.stringContaining('Accept'),
  });
  expect(headers['content-security-policy']).toContain("script-src 'self'");
  expect(body).toMatch(/<h1>Error: &#60;script&#62;alert\(1\)&#60;\/script&#62;<\/h1>/);
  expect(body).not.toMatch(/<script|<style|style=/);
  expect(body).toMatch(/<figcaption><code>app\.js:5<\/code>/);
  expect(body).toMatch(/<mark>> +5 +const fail = /);
  const own = /<ol>[\s\S]*?<\/ol>/.exec(body)?.[0] ?? '';
  expect(own.match(/<code>[^<]+/g)).toEqual(['<code>app.js:5', '<code>app.js:6']);
  expect(body).toMatch(/<details>[\s\S]*node_modules[\s\S]*<\/details>/);
  expect((await ask('/later')).body).toContain('<h1>Error: later</h1>');
});

test('the calls of the application come before those of its packages', async () => {
  const { body } = await ask('/library');
  expect(body).toMatch(/<figcaption><code>app\.js:\d+<\/code>/);
  expect(body).toMatch(/<mark>.*library\(\);/);
  const all = /<details>[\s\S]*<\/details>/.exec(body)?.[0] ?? '';
  expect(all.match(/<code>[^<]+/g)?.slice(0, 2)).toEqual([
    expect.stringContaining('node_modules/library/index.mjs:1'),
    expect.stringMatching(/app\.js:\d+/),
  ]);
});

test.each<[path: string, headings: string[]]>([
  ['/cause', ['Error: outer', 'TypeError: inner', 'innermost']],
  ['/loop', ['Error: loop']],
  ['/several', ['AggregateError: both', 'Error: one', 'Error: two']],
  ['/text', ['a text']],
  ['/object', ['[Object: null prototype] { code: 7 }']],
])('%s shows the thrown value and its causes, each once', async (path, headings) => {
  const { body } = await ask(path);
  expect([...body.matchAll(/<h[12]>([^<]*)<\/h/g)].map(([, heading]) => heading)).toEqual(headings);
});

test('for a forged stack, the page shows only source files of the application', async () => {
  const shown = async (file: string) =>
    (await ask(`/made-up?at=${encodeURIComponent(file)}`)).body.includes('<figure>');
  expect(await shown(join(environment, 'server.js'))).toBe(true);
  await writeFile(join(sandbox.directory, 'outside.js'), '// outside');
  const inside = (...names: string[]) => join(environment, ...names);
  for (const file of [inside('.env'), inside('..', 'outside.js'), inside('missing.js'), '/etc/passwd', 'file:///%zz'])
    expect(await shown(file), file).toBe(false);
});

test('a client that requests JSON gets JSON, with the stack only in development', async () => {
  const asked = 'application/json, text/plain, */*';
  const { body, headers } = await ask('/fail', asked);
  expect(headers['content-type']).toBe('application/json; charset=utf-8');
  expect(JSON.parse(body)).toEqual({
    error: {
      status: 500,
      message: 'Internal Server Error',
      stack: expect.stringMatching(/alert\(1\).*\n +at .*app\.js/),
    },
  });
  const served = (path: string) => send(production.url + path, { headers: { Accept: asked } });
  expect(JSON.parse((await served('/fail')).body)).toEqual({
    error: { status: 500, message: 'Internal Server Error' },
  });
  expect(JSON.parse((await served('/missing')).body)).toEqual({
    error: { status: 404, message: 'There is no page at GET /missing' },
  });
});

test.each(['*/*', 'text/plain', 'image/png', ''])('a client with Accept %j gets text', async (accept) => {
  const { headers, body } = await ask('/fail', accept);
  expect(headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(body).toMatch(/^Internal Server Error\.\n\nError: <script>.*\n +at .*app\.js/);
});

const listed = [
  ...['/fail', '/later', '/cause', '/loop', '/several', '/text', '/object', '/made-up', '/bad-header', '/library'],
  ...['/a', '/b/:id'],
].map((path) => `GET ${path}`);
const others = ['ALL /^\\/any/', 'GET /admin', 'POST /admin/more/users', 'GET /ok'];

test('a 404 lists the routes, including those of routers, in every format', async () => {
  const missing = await ask('/missing', 'application/json');
  expect(missing.status).toBe(404);
  expect(JSON.parse(missing.body).error.routes).toEqual([...listed, ...others]);
  const { body: text } = await ask('/missing', '*/*');
  expect(text).toMatch(/^There is no page at GET \/missing\n\nThe routes of the application:\n {2}GET {4}\/fail\n/);
  const { body } = await ask('/missing');
  expect(body).toContain('<a href="/admin"><code>/admin</code></a>');
  expect(body).not.toContain('href="/b/:id"');
  expect(body).not.toContain('href="/admin/more/users"');
});

test('the response to HEAD has the status and no body', async () => {
  expect(await ask('/missing', html, 'HEAD')).toMatchObject({ status: 404, body: '' });
  expect(await ask('/fail', html, 'HEAD')).toMatchObject({ status: 500, body: '' });
});

test('the style of these pages is served only in development, without a session and without a log line', async () => {
  const { body } = await ask('/missing');
  const [, path = ''] = /<link rel="stylesheet" href="([^"]+)"/.exec(body) ?? [];
  const { status, headers } = await ask(path);
  expect([status, headers['content-type'], headers['set-cookie']]).toEqual([200, 'text/css; charset=utf-8', undefined]);
  await ask('/ok');
  await waitFor(() => development.output().includes('GET /ok'));
  expect(development.output()).not.toContain(path);
  expect((await send(production.url + path)).status).toBe(404);
});

test('in production a browser gets no error page and no list of routes', async () => {
  for (const path of ['/fail', '/missing']) {
    const { headers, body } = await send(production.url + path, { headers: { Accept: html } });
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(body).toBe(path === '/fail' ? 'Internal Server Error.\n' : 'There is no page at GET /missing\n');
  }
});

test.each(['development', 'production'])(
  'an error whose headers cannot be sent closes the connection, and the server in %s keeps running',
  async (mode) => {
    const { url, output } = mode === 'production' ? production : development;
    await expect(send(`${url}/bad-header`)).rejects.toThrow(/socket hang up/);
    expect((await send(`${url}/ok`)).body).toBe('ok');
    await waitFor(() => output().includes('the response to an error could not be sent'));
  },
);

test('the application’s own handlers for errors and missing pages respond', async () => {
  const own = new Sandbox();
  const directory = await copyEnvironment(own);
  await addRoutes(directory, "app.get('/fail', () => { throw new Error('x'); });");
  const server = join(directory, 'server.js');
  const options = `{ notFound: (req, res) => res.status(404).send('mine'), error: (error, req, res, next) => res.status(500).send('own') }`;
  await writeFile(
    server,
    (await readFile(server, 'utf8')).replace(
      /import\('.\/app.js'\), \{[\s\S]*\}\);/,
      `import('./app.js'), ${options});`,
    ),
  );
  const { url } = await startPlain(own, directory);
  expect((await send(`${url}/fail`, { headers: { Accept: html } })).body).toBe('own');
  expect((await send(`${url}/x`, { headers: { Accept: html } })).body).toBe('mine');
});

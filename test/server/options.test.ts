// The options that server.js can pass to `serve`, and the exports of app.js other than `routes`.
import { readFile, writeFile } from 'node:fs/promises';
import { request as openRequest } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HttpResponse, type RequestOptions, send } from '../support/http.ts';
import { stored } from '../support/records.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, startPlain, waitFor } from '../support/server.ts';

const app = `
  export function routes(app) {
    app.get('/in', (req, res) => { req.session.customer = { id: 'ann' }; res.send('in'); });
    app.get('/note', (req, res) => { req.session.note = 'x'.repeat(Number(req.query.bytes ?? 1)); res.send('noted'); });
    app.all(['/write', '/callback'], (req, res) => res.send('written'));
    app.get('/fail', () => { throw new Error('an internal detail'); });
  }
  export function upgrades(server, session) {
    server.on('upgrade', (req, socket) => session(req, {}, (error) => {
      const said = error ? String(error) : (req.session.customer?.id ?? 'nobody');
      socket.end('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n\\r\\n' + said);
    }));
  }`;

const options = `{
  limits: { idleMs: 3_600_000, anonymousIdleMs: 60_000, absoluteMs: 7_200_000, refuseBytes: 500, ownerKeys: ['customer.id'] },
  crossSite: { allow: ['https://app.example.com'], exempt: ['/callback'] },
  headers: { referrerPolicy: { policy: 'no-referrer' }, contentSecurityPolicy: { directives: { imgSrc: ["'self'", 'https:'] } } },
  notFound: (req, res) => res.status(404).type('text').send('Nothing at ' + req.path),
  error: (error, req, res, next) => res.status(500).type('text').send('Ours: ' + error.message),
}`;

const shared = new Sandbox(afterAll);
let directory: string;
let server: Awaited<ReturnType<typeof startPlain>>;

beforeAll(async () => {
  directory = await copyEnvironment(shared);
  await writeFile(join(directory, 'app.js'), app);
  const path = join(directory, 'server.js');
  const before = await readFile(path, 'utf8');
  const after = before.replace(/import\('\.\/app\.js'\).*$/s, `import('./app.js'), ${options});\n`);
  expect(after).not.toBe(before);
  await writeFile(path, after);
  server = await startPlain(shared, directory);
});

const ask = (path: string, given?: RequestOptions): Promise<HttpResponse> => send(server.url + path, given);

/** The server's response to a WebSocket upgrade request. */
function upgrade(headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13', ...headers };
    const sent = openRequest(`${server.url}/socket`, { headers: asked, agent: false });
    sent.on('upgrade', (_, socket, head) => {
      socket.unshift(head);
      socket
        .setEncoding('utf8')
        .toArray()
        .then((parts) => resolve(parts.join('')), reject);
    });
    sent.on('response', ({ statusCode }) => resolve(`${statusCode}`));
    sent.on('error', reject).end();
  });
}

test('limits: they set the lifetime of a session, with and without an owner, and the keys of the owner', async () => {
  await ask('/in');
  await ask('/note');
  const records = await stored(directory);
  const lives = records.map(({ owner, expiresAtMs, seenAtMs }) => [owner, expiresAtMs - seenAtMs]);
  expect(lives).toContainEqual(['ann', 3_600_000]);
  expect(lives).toContainEqual([undefined, 60_000]);
  const { headers } = await ask('/in');
  expect(headers['set-cookie']).toEqual([expect.stringMatching(/; Max-Age=(7200|71\d\d);/)]);
});

test('limits: a session above the maximum size is refused', async () => {
  expect((await ask('/note?bytes=400')).status).toBe(200);
  expect(await ask('/note?bytes=600')).toMatchObject({ status: 500, cookie: '' });
});

test.each<[status: number, path: string, headers: Record<string, string>]>([
  [403, '/write', { Origin: 'https://evil.example' }],
  [403, '/write', { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }],
  [403, '/write', { Origin: 'http://app.example.com' }],
  [403, '/write', { Origin: 'https://app.example.com:444' }],
  [403, '/callback/', { Origin: 'https://evil.example' }],
  [403, '/write?/callback', { Origin: 'https://evil.example' }],
  [200, '/write', { Origin: 'https://app.example.com' }],
  [200, '/write', { Origin: 'https://app.example.com', 'Sec-Fetch-Site': 'same-site' }],
  [200, '/callback', { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }],
  [200, '/callback?id=1', { Origin: 'null' }],
  [200, '/write', {}],
])('crossSite: the response is a %i for a POST to %s with %j', async (status, path, headers) => {
  expect((await ask(path, { method: 'POST', headers })).status).toBe(status);
});

test('headers: an option replaces the server’s own header, and the others stay', async () => {
  const { headers } = await ask('/write');
  expect(headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY' });
  expect(headers['content-security-policy']).toMatch(/img-src 'self' https:(;|$)/);
  expect(headers['content-security-policy']).toMatch(/base-uri 'none'.*frame-ancestors 'none'.*object-src 'none'/);
});

test('notFound: responds when no route matches', async () => {
  const { status, headers, body } = await ask('/missing');
  expect([status, body]).toEqual([404, 'Nothing at /missing']);
  expect(headers['content-security-policy']).toContain("base-uri 'none'");
});

test('error: responds to the error of a handler, after it was logged', async () => {
  expect(await ask('/fail')).toMatchObject({ status: 500, body: 'Ours: an internal detail' });
  await waitFor(() => /a request failed\nError: an internal detail\n\s+at /.test(server.output()));
});

test('upgrades: a WebSocket gets the session of its cookie', async () => {
  const { cookie } = await ask('/in');
  expect(await upgrade({ Cookie: cookie })).toBe('ann');
  expect(await upgrade({ Cookie: `${cookie.slice(0, -4)}AAAA` })).toBe('nobody');
  expect(await upgrade({})).toBe('nobody');
});

test('upgrades: is called for both servers of localhost', async () => {
  const { cookie } = await ask('/in');
  const url = server.url;
  try {
    for (const host of ['127.0.0.1', '[::1]']) {
      server.url = `http://${host}:${new URL(url).port}`;
      expect(await upgrade({ Cookie: cookie })).toBe('ann');
    }
  } finally {
    server.url = url;
  }
});

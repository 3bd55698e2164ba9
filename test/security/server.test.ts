// OWASP ASVS 5.0, the requirements of the chapters V4 and V11 to V16 about sessions and their server. The title of each test
// begins with its requirement.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { open } from '../../src/stores/embedded/driver.ts';
import { repository } from '../support/sandbox.ts';
import { waitFor } from '../support/server.ts';
import { linesOf, partsOf, serveFor } from './site.ts';

const production = serveFor('production');
const development = serveFor('development');
const { as, ask } = production;

/** Sends bytes that no HTTP client would send, and returns the reply. */
async function raw(bytes: string): Promise<string> {
  const { port } = new URL(production.url());
  const socket = connect(Number(port), '127.0.0.1', () => socket.end(bytes));
  return (await socket.setEncoding('latin1').toArray()).join('');
}

test('4.1.1: every response with a body has a content type with a charset', async () => {
  for (const path of ['/me', '/data', '/in', '/missing', '/fail', '/large'])
    expect((await ask(path)).headers['content-type']).toMatch(/^(text|application)\/\w+; charset=utf-8$/);
});

test('4.1.3: proxy headers of a client are trusted only as far as TRUST_PROXY allows', async () => {
  const spoofed = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '6.6.6.6', 'X-Forwarded-Host': 'evil.example' };
  const direct = await development.ask('/seen-as', { headers: spoofed });
  expect(JSON.parse(direct.body)).toEqual({
    ip: expect.stringMatching(/127.0.0.1|::1/),
    secure: false,
    host: 'localhost',
  });
  expect((await development.ask('/in', { headers: spoofed })).headers['set-cookie']?.[0]).not.toMatch(/__Host-|Secure/);
  const behind = await ask('/seen-as', { headers: { 'X-Forwarded-For': '6.6.6.6, 9.9.9.9' } });
  expect(JSON.parse(behind.body)).toMatchObject({ ip: '9.9.9.9', secure: true });
  const origin = { Origin: 'http://evil.example', 'X-Forwarded-Host': 'evil.example' };
  expect((await development.ask('/write', { method: 'POST', headers: origin })).status).toBe(403);
});

test('4.1.4: a method without a route is refused', async () => {
  for (const method of ['PUT', 'DELETE', 'PATCH', 'PROPFIND', 'LOCK'])
    expect((await ask('/me', { method })).status).toBe(404);
});

test('4.2.1: a request with two lengths is refused', async () => {
  const head = 'POST /write HTTP/1.1\r\nHost: localhost\r\n';
  const rest = '0\r\n\r\nGET /out HTTP/1.1\r\nHost: localhost\r\n\r\n';
  for (const headers of [
    'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n',
    'Content-Length: 4\r\nContent-Length: 5\r\n',
    'Transfer-Encoding: identity, chunked\r\nContent-Length: 4\r\n',
    'Content-Length : 4\r\n',
  ]) {
    const response = await raw(`${head}${headers}\r\n${rest}`);
    expect(response).toMatch(/^HTTP\/1.1 400 /);
    expect(response.match(/HTTP\/1.1/g)).toHaveLength(1);
  }
});

test('4.2.2: the Content-Length of a response is its length', async () => {
  for (const path of ['/me', '/missing', '/fail', '/large']) {
    const { headers, body } = await ask(path);
    expect(Number(headers['content-length'])).toBe(Buffer.byteLength(body));
  }
});

test('11.4.3: a cookie is signed with HMAC-SHA-256 of its id and the newest secret', async () => {
  const { id, signature } = partsOf((await ask('/in')).cookie);
  const expected = createHmac('sha256', await production.secret())
    .update(id)
    .digest('base64')
    .replace(/=+$/, '');
  expect(signature).toBe(expected);
});

test('11.5.1: the secret that init creates has 256 random bits', async () => {
  const secret = await production.secret();
  expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
  expect(secret).toHaveLength(43);
});

test('12.2.1: in production no session is set over plain HTTP, and the log says why', async () => {
  const { cookie } = await ask('/in');
  const plain = { 'X-Forwarded-Proto': 'http' };
  expect(await ask('/in', { headers: plain })).toMatchObject({ status: 200, cookie: '' });
  const stripped = cookie.replace('__Host-', '');
  for (const Cookie of [stripped, `${stripped}; ${stripped}`]) expect((await as(Cookie, '/me')).body).toBe('nobody');
  expect(production.output()).toMatch(/sent over HTTPS only.*TRUST_PROXY/);
});

test('13.3.1: the secret is in .env and in no other file of the environment', async () => {
  const secret = await production.secret();
  const entries = await readdir(production.directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const own = files.filter((path) => !path.includes('node_modules'));
  const holders = await Promise.all(own.map(async (path) => ((await readFile(path)).includes(secret) ? [path] : [])));
  expect(holders.flat()).toEqual([join(production.directory, '.env')]);
});

test('13.3.2: only their user can read the secret and the sessions', async () => {
  await ask('/in');
  for (const name of ['.env', 'data/sessions', 'data/sessions/data.mdb', 'data/sessions/lock.mdb'])
    expect((await stat(join(production.directory, name))).mode & 0o077).toBe(0);
});

test('13.3.4: a new secret signs within 2 s, the older one verifies until it is removed, and nobody is logged out', async () => {
  const { cookie } = await development.ask('/in');
  const [old, newer] = [
    await development.secret(),
    Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64url'),
  ];
  const path = join(development.directory, '.env');
  const before = await readFile(path, 'utf8');
  await writeFile(path, before.replace(old, `${newer},${old}`));
  const signed = await waitFor(async () => {
    const response = await development.as(cookie, '/me');
    expect(response.body).toBe('ann');
    return response.cookie !== '' && response.cookie;
  }, 2500);
  await writeFile(path, before.replace(old, newer));
  await waitFor(async () => (await development.as(cookie, '/me')).body === 'nobody', 2500);
  expect((await development.as(signed, '/me')).body).toBe('ann');
});

test.each(['/.git/config', '/.env', '/%2e%2e/.env', '/..%2f.env', '/sessapp.json', '/server.js', '/package.json'])(
  '13.4.1: no file of the environment is served at %s',
  async (path) => {
    expect((await ask(path)).status).toBe(404);
  },
);

test('13.4.2: production has no debug mode: an error shows no stack, whatever the client requests', async () => {
  for (const path of ['/fail', '/fail?debug=1', '/large']) {
    const { body } = await ask(path, { headers: { Accept: 'text/html', 'X-Debug': '1' } });
    expect(body).toMatch(path === '/large' ? /^Something went wrong\.\n$/ : /^Internal Server Error\.\n$/);
    expect(body).not.toMatch(/\bat\b|\.js/);
  }
});

test.each(['/session/', '/data/sessions/', '/node_modules/', '/bin', '//', '/./'])(
  '13.4.3: there is no directory listing at %s',
  async (path) => {
    expect((await ask(path)).status).toBe(404);
  },
);

test('13.4.4: TRACE returns nothing of the request', async () => {
  const { cookie } = await ask('/in');
  for (const path of ['/', '/me', '/write']) {
    const { headers, body } = await as(cookie, path, { method: 'TRACE' });
    expect(JSON.stringify([headers, body])).not.toContain(partsOf(cookie).id);
    expect(headers['content-type']).not.toMatch(/message\/http/);
  }
});

test('13.4.6: no response names its software or a version', async () => {
  for (const path of ['/me', '/in', '/missing', '/fail']) {
    const { headers, body } = await ask(path);
    expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(['server']));
    expect(JSON.stringify([{ ...headers, 'set-cookie': '' }, body])).not.toMatch(
      /express|node|powered|sessapp|\d+\.\d+\.\d+/i,
    );
  }
  expect(await raw('GET\r\n\r\n')).not.toMatch(/express|node/i);
});

test('14.2.1: a session id in a URL is neither sent nor accepted', async () => {
  const { cookie } = await ask('/in');
  const value = cookie.replace(/^[^=]*=/, '');
  for (const name of ['sid', 'sessionid', partsOf(cookie).name, 'connect.sid', 'jsessionid']) {
    expect((await ask(`/me?${name}=${value}`)).body).toBe('nobody');
    expect((await ask(`/me;${name}=${value}`)).status).toBe(404);
  }
});

test('14.2.5: a page’s URL with the ending of a static file is a 404', async () => {
  const { cookie } = await ask('/in');
  for (const path of ['/me/x.css', '/me.css', '/me%2fx.js', '/me;x.css', '/me%00.css']) {
    const { status, body } = await as(cookie, path);
    expect([status, body.includes('ann')]).toEqual([404, false]);
  }
});

test('14.3.2: no cache stores a response that depends on a session or sets a cookie', async () => {
  const { cookie, ...first } = await ask('/in');
  for (const { headers } of [first, await as(cookie, '/me'), await ask('/me'), await as(cookie, '/out')])
    expect(headers).toMatchObject({ 'cache-control': 'private, no-store', vary: expect.stringMatching(/\bCookie\b/) });
});

test('14.3.3: the cookie contains an id and a signature, and no session data', async () => {
  const { cookie } = await ask('/keep/text/confidential');
  const { name, id, signature } = partsOf(cookie);
  expect(decodeURIComponent(cookie)).toBe(`${name}=s:${id}.${signature}`);
  for (const part of [id, signature])
    expect(Buffer.from(part, 'base64').toString('latin1')).not.toContain('confidential');
});

test('15.2.2: a session that is too large is refused, and the stored session stays', async () => {
  const { cookie } = await ask('/in');
  expect((await as(cookie, '/large')).status).toBe(500);
  expect((await as(cookie, '/data')).body).toBe('{"userId":"ann"}');
});

test('15.3.4: the log has the client address that the proxy saw, whatever addresses the client sends', async () => {
  await ask('/me?15.3.4', { headers: { 'X-Forwarded-For': '6.6.6.6, 9.9.9.9' } });
  expect(await waitForLine('GET /me?15.3.4 200')).toMatchObject({ ip: '9.9.9.9' });
});

test('15.3.6: special property names of JavaScript change nothing, in this session or in any other', async () => {
  const { cookie, status } = await ask('/evil');
  expect(status).toBe(200);
  expect((await as(cookie, '/data')).body).toBe('{"ok":1}');
  expect((await ask('/data')).body).toBe('{}');
});

test('15.3.7: of several cookies with the same name, the valid one counts, in any position', async () => {
  const { cookie } = await ask('/in');
  const { name } = partsOf(cookie);
  for (const Cookie of [`${name}=x; ${cookie}`, `${cookie}; ${name}=s:a.b`, `${name}; ${name}=; ${cookie}`])
    expect((await as(Cookie, '/me')).body).toBe('ann');
});

test('15.4.1: concurrent requests of one session lose no change', async () => {
  const { cookie } = await ask('/in');
  const keys = Array.from({ length: 10 }, (_, n) => `/keep/k${n}/${n}`);
  await Promise.all([...keys, ...Array<string>(10).fill('/count')].map((path) => as(cookie, path)));
  const expected = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`k${n}`, `${n}`]));
  expect(JSON.parse((await as(cookie, '/data')).body)).toEqual({ userId: 'ann', count: 10, ...expected });
});

test('15.4.2: a session that is destroyed between its check and its save is not saved', async () => {
  const { cookie } = await ask('/in');
  const late = as(cookie, '/slow');
  await waitFor(async () => (await as(cookie, '/out')).status === 200);
  await late;
  expect((await as(cookie, '/data')).body).toBe('{}');
});

/** The log line with this message, or the log line of this request: its method, URL and status. */
function waitForLine(wanted: string): Promise<Record<string, unknown>> {
  const requestOf = ({ req, res }: Record<string, unknown>): string => {
    const { method, url } = Object(req);
    return `${method} ${url} ${Object(res).statusCode}`;
  };
  return waitFor(() => linesOf(production.output()).find((line) => line.msg === wanted || requestOf(line) === wanted));
}

/** Starts a process that is stopped during a write and holds the store's lock. Returns a function that kills it. */
async function holdStore(): Promise<() => Promise<unknown>> {
  const program = `
    const { open } = await import(process.argv[1]);
    const root = open({ path: process.argv[2], overlappingSync: false });
    root.transactionSync(() => { process.stdout.write('holds'); process.kill(process.pid, 'SIGSTOP'); });`;
  const lmdb = join(repository, 'node_modules', 'lmdb', 'node-index.js');
  const args = ['--input-type=module', '--eval', program, lmdb, join(production.directory, 'data', 'sessions')];
  const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(holder, 'exit');
  const release = (): Promise<unknown> => {
    holder.kill('SIGKILL');
    return ended;
  };
  onTestFinished(() => void release());
  await once(holder.stdout, 'data');
  return release;
}

test('16.2.1: a log line has the time, the client, the request, and the result', async () => {
  await ask('/me?16.2.1', { headers: { 'User-Agent': 'a browser' } });
  const line = await waitForLine('GET /me?16.2.1 200');
  expect(line).toMatchObject({
    time: expect.any(Number),
    level: 30,
    req: {
      method: 'GET',
      url: '/me?16.2.1',
      userAgent: 'a browser',
    },
    res: { statusCode: 200 },
    ip: expect.any(String),
    responseTime: expect.any(Number),
  });
});

test('16.2.2: the time is in milliseconds since 1970, in UTC', async () => {
  await ask('/me?16.2.2');
  const line = await waitForLine('GET /me?16.2.2 200');
  expect(Math.abs(Number(line.time) - Date.now())).toBeLessThan(10_000);
});

test('16.2.4: in production, every log line is one JSON object', async () => {
  await ask('/fail');
  const lines = production.output().trimEnd().split('\n');
  for (const line of lines) expect(JSON.parse(line)).toEqual(expect.objectContaining({ msg: expect.any(String) }));
});

test('16.2.5: no log line has a session id, a cookie, a secret or credentials', async () => {
  const { cookie } = await as('x=1', '/in', { headers: { Authorization: 'Bearer opensesame' } });
  for (const path of ['/me', '/fail', '/large', '/out', '/me']) await as(cookie, path);
  const { id, signature } = partsOf(cookie);
  for (const word of [id, signature, cookie, await production.secret(), 'opensesame'])
    expect(production.output()).not.toContain(word);
});

test('16.3.3: a refused cross-site request is logged with its origin', async () => {
  const headers = { Origin: 'https://evil.example' };
  await ask('/write?16.3.3', { method: 'POST', headers });
  await waitForLine('POST /write?16.3.3 403');
  const line = await waitForLine('a request from another site was refused');
  expect(line).toMatchObject({ level: 40, origin: 'https://evil.example', url: '/write?16.3.3' });
});

test('16.3.4: an unexpected error is logged with its stack', async () => {
  await ask('/fail');
  const line = linesOf(production.output()).find(({ msg }) => msg === 'a request failed');
  expect(line).toMatchObject({
    level: 50,
    err: { message: 'an internal detail', stack: expect.stringMatching(/\n\s+at /) },
  });
});

test('16.4.1: a client cannot inject a log line', async () => {
  const headers = { 'User-Agent': 'x"}\t{"level":60,"msg":"forged"}' };
  await ask('/me?%0a%7b%22msg%22:%22forged%22%7d%0d', { headers });
  await waitFor(() => production.output().includes('forged'));
  expect(linesOf(production.output()).map(({ msg }) => msg)).not.toContain('forged');
  for (const line of production.output().trimEnd().split('\n')) JSON.parse(line);
});

test('16.5.1: an error response has no internal details', async () => {
  for (const path of ['/fail', '/large', '/missing', '/%E0%A4%A']) {
    const { body, headers } = await ask(path);
    expect(JSON.stringify([body, headers])).not.toMatch(/an internal detail|\\n\s*at |\.js|node_modules|262144/);
  }
});

test('16.5.2: while the store cannot be written, saves get a 503 in time, reads work, and the server recovers', async () => {
  const { cookie } = await ask('/in');
  const release = await holdStore();
  const [saved, read] = await Promise.all([as(cookie, '/keep/a/b'), as(cookie, '/me')]);
  expect(saved).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  expect(read.body).toBe('ann');
  await release();
  await waitFor(async () => (await as(cookie, '/keep/a/b')).status === 200);
});

test('16.5.3: a damaged session record logs nobody in', async () => {
  const driver = await open(join(production.directory, 'data', 'sessions'));
  onTestFinished(() => driver.close());
  const { cookie } = await ask('/in');
  const { key } = partsOf(cookie);
  const found = await driver.read(key);
  if (!found) throw new Error('there is no record');
  const { key: _, version, ...record } = found;
  await driver.update(key, version, { ...record, data: '{"userId":"ann"' });
  expect(await as(cookie, '/me')).toMatchObject({ status: 200, body: 'nobody' });
  expect(production.output()).toMatch(/a session record is damaged and was set aside/);
});

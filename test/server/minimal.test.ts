import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { notInstalled } from '../support/programs.ts';
import { finish, Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, startPlain, waitFor } from '../support/server.ts';

const shared = new Sandbox(afterAll);
let environment: string;
let url: string;

beforeAll(async () => {
  environment = await copyEnvironment(shared);
  ({ url } = await startPlain(shared, environment));
});

const korean = ['세션에 username을 저장했습니다.\n', '현재 유저는 guest입니다.\n', '현재 유저가 없습니다.\n'];
const english = ['Saved username in the session.\n', 'The current user is guest.\n', 'There is no current user.\n'];

test.each([
  [undefined, korean],
  ['', korean],
  ['ko', korean],
  ['ko-KR,ko;q=0.9,en-US;q=0.8', korean],
  ['en', english],
  ['en-US', english],
  ['en-GB,en;q=0.9,ko;q=0.1', english],
  ['ko;q=0.5, en;q=0.4', korean],
  ['ko;q=0.4, en;q=0.5', english],
  ['fr', korean],
  ['fr, en;q=0.1', english],
  ['*', korean],
  ['*;q=0.1, en', english],
  ['ko;q=0', korean],
  ['nonsense;;q=x', korean],
])(
  'a client with Accept-Language %j gets the three texts in its language',
  async (language, [saved, current, none]) => {
    const headers: Record<string, string> = language === undefined ? {} : { 'Accept-Language': language };
    const first = await request(`${url}/`, headers);
    const second = await request(`${url}/profile`, { ...headers, Cookie: first.cookie });
    const third = await request(`${url}/profile`, headers);
    expect([first.body, second.body, third.body]).toEqual([saved, current, none]);
  },
);

test('a response is plain text in UTF-8, and its Vary header contains Accept-Language', async () => {
  const { status, headers } = await request(`${url}/`);
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(headers.vary).toContain('Accept-Language');
});

const asBrowser = {
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Language': 'en-US,en;q=0.9',
};

test('a browser gets the same sentences as pages, with the session as it is stored', async () => {
  const first = await request(`${url}/`, asBrowser);
  expect(first.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(first.headers.vary).toMatch(/Accept, Accept-Language/);
  expect(first.body).toContain('<h1>Saved username in the session.</h1>');
  const list = await shared.sessapp(['sessions', 'list', environment, '--json']);
  const sessions = (JSON.parse(list.stdout) as { sessions: { ref: string; expiresAt: string }[] }).sessions;
  const ref = /<dt>Reference<\/dt>\s*<dd><code>(\S+?)<\/code>/.exec(first.body)?.[1] ?? 'none';
  const stored = sessions.find((session) => session.ref.startsWith(ref));
  expect(first.body).toContain(`<time datetime="${stored?.expiresAt}">`);
  const second = await request(`${url}/profile`, { ...asBrowser, Cookie: first.cookie });
  expect(second.body).toContain('<h1>The current user is guest.</h1>');
  expect(second.body).toContain(ref);
  expect(second.body).toContain('&#34;username&#34;: &#34;guest&#34;');
});

test('a browser without a session gets a page that says this, and no cookie', async () => {
  const { body, headers } = await request(`${url}/profile`, { ...asBrowser, 'Accept-Language': 'ko' });
  expect(body).toContain('<html lang="ko">');
  expect(body).toContain('<h1>현재 유저가 없습니다.</h1>');
  expect(body).toContain('아직 세션이 없습니다.');
  expect(headers['set-cookie']).toBeUndefined();
});

test('every file that a page loads exists, and none needs an exception from the Content-Security-Policy', async () => {
  const { body } = await request(`${url}/`, asBrowser);
  const loaded = [...body.matchAll(/(?:src|href)="(\/[^"]*\.[^"]*)"/g)].map(([, path = '']) => path);
  expect(loaded).toEqual(['/icon.svg', '/style.css']);
  const types = await Promise.all(loaded.map(async (path) => (await request(url + path)).headers['content-type']));
  expect(types).toEqual(['image/svg+xml', 'text/css; charset=utf-8']);
  expect(body).not.toMatch(/<script|<style|style=|\son\w+=/);
});

test('the page escapes the text of a session', async () => {
  const own = new Sandbox();
  const directory = await copyEnvironment(own);
  const app = join(directory, 'app.js');
  const nasty = `<img src=x onerror="alert('1')">&`;
  await writeFile(app, (await readFile(app, 'utf8')).replace(`'guest'`, JSON.stringify(nasty)));
  const { url: served } = await startPlain(own, directory);
  const { cookie } = await request(served);
  const { body } = await request(`${served}/profile`, { ...asBrowser, Cookie: cookie });
  expect(body.match(/onerror/g)).toHaveLength(3);
  expect(body).not.toContain('<img');
});

test('a missing favicon.ico is not logged; any other missing file is', async () => {
  const own = new Sandbox();
  const { url: served, output } = await startPlain(own, await copyEnvironment(own));
  for (const path of ['/favicon.ico', '/favicon.ico?1', '/other.ico'])
    expect((await request(served + path)).status).toBe(404);
  await waitFor(() => output().includes('GET /other.ico 404'));
  expect(output()).not.toContain('favicon');
});

test('reading without a session creates none', async () => {
  expect((await request(`${url}/profile`)).headers['set-cookie']).toBeUndefined();
});

test('the session cookie has the name from sessapp.json, and is HttpOnly and SameSite', async () => {
  const { cookie } = JSON.parse(await readFile(join(environment, 'sessapp.json'), 'utf8')) as { cookie: string };
  const { headers } = await request(`${url}/`);
  const form = `^${cookie}=s%3A[^;]+; Path=/; Max-Age=\\d+; HttpOnly; SameSite=Lax$`;
  expect(headers['set-cookie']).toEqual([expect.stringMatching(form)]);
});

const withoutCurl = notInstalled('curl');

test.skipIf(withoutCurl !== '')(`curl with a cookie jar keeps its session${withoutCurl}`, async () => {
  const curl = (path: string) =>
    finish(shared.spawn('curl', ['-sS', '-b', shared.path('jar'), '-c', shared.path('jar'), `${url}${path}`]));
  expect((await curl('/')).stdout).toBe(korean[0]);
  expect((await curl('/profile')).stdout).toBe(korean[1]);
});

test('app.js and server.js are short', async () => {
  const linesOf = async (name: string) =>
    (await readFile(join(environment, name), 'utf8')).trimEnd().split('\n').length;
  expect(await linesOf('app.js')).toBeLessThan(30);
  expect(await linesOf('server.js')).toBeLessThan(50);
});

test.each(['/', '/profile', '/missing'])(
  'the response to %s has the security headers, and does not name the server software',
  async (path) => {
    const { headers } = await request(url + path);
    expect(headers).toMatchObject({
      'content-security-policy': expect.stringMatching(/base-uri 'none'.*frame-ancestors 'none'.*object-src 'none'/),
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    });
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('server');
    expect(headers).not.toHaveProperty('strict-transport-security');
  },
);

test('a missing page is a 404 in plain text, so that markup in the path has no effect', async () => {
  const response = await request(`${url}/<script>alert(1)</script>`);
  expect(response.status).toBe(404);
  expect(response.headers['content-type']).toBe('text/plain; charset=utf-8');
  expect(response.headers['x-content-type-options']).toBe('nosniff');
});

test('on localhost the server responds on 127.0.0.1 and on ::1', async () => {
  const { port } = new URL(url);
  for (const host of ['127.0.0.1', '[::1]', 'localhost']) {
    expect((await request(`http://${host}:${port}/profile`)).status).toBe(200);
  }
});

const failures = `
  app.get('/throws', () => { throw new Error('secret detail'); });
  app.get('/rejects', async () => { await null; throw new Error('secret detail'); });
  app.get('/throws-text', () => { throw 'secret detail'; });
  app.get('/throws-nothing', () => Promise.reject());
  app.get('/midway', (req, res) => { res.write('begun'); throw new Error('secret detail'); });
  app.get('/teapot', () => { throw Object.assign(new Error('secret detail'), { status: 418 }); });`;

test.each([
  ['/throws', 500],
  ['/rejects', 500],
  ['/throws-text', 500],
  ['/teapot', 418],
  ['/throws-nothing', 500],
])('in production the response to %s is a %i without a stack or a detail', async (path, status) => {
  const { url: failing } = await failingServer('production');
  const response = await request(failing + path);
  expect(response.status).toBe(status);
  expect(response.headers['content-type']).toMatch(/^text\/(html|plain); charset=utf-8$/);
  expect(response.body).not.toMatch(/secret detail|\bat\b|\.js/);
  expect(response.headers['strict-transport-security']).toMatch(/max-age/);
});

test.each(['/throws', '/rejects'])('in development the response to %s shows the stack', async (path) => {
  const { url: failing, output } = await failingServer('development');
  const response = await request(failing + path);
  expect(response.status).toBe(500);
  expect(response.body).toMatch(/Error: secret detail\n\s+at .*app\.js/);
  expect(output()).toMatch(/a request failed\nError: secret detail\n\s+at .*app\.js/);
});

test('an error after the response has started closes the connection, and the server keeps running', async () => {
  const { url: failing } = await failingServer('production');
  await expect(request(`${failing}/midway`)).rejects.toThrow(/aborted|socket hang up/);
  expect((await request(`${failing}/ok`)).body).toBe('ok');
});

const failing = new Map<string, ReturnType<typeof startPlain>>();

function failingServer(mode: 'production' | 'development'): ReturnType<typeof startPlain> {
  const start = async () => {
    const directory = await copyEnvironment(shared, mode);
    await addRoutes(directory, failures);
    return startPlain(shared, directory, { env: { NODE_ENV: mode } });
  };
  if (!failing.has(mode)) failing.set(mode, start());
  return failing.get(mode) as ReturnType<typeof startPlain>;
}

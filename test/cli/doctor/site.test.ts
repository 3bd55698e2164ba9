import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createPlain, type RequestListener, request } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { checkPlainHttp } from '../../../src/cli/doctor/checks/site.ts';
import { readJson } from '../../support/files.ts';
import { notInstalled } from '../../support/programs.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment, serve } from '../../support/server.ts';
import { env, examine } from './support.ts';

const shared = new Sandbox(afterAll);
let environment: string;
let cookie: string;

beforeAll(async () => {
  environment = await copyEnvironment(shared);
  ({ cookie } = await readJson<{ cookie: string }>(environment, 'sessapp.json'));
});

const good = 'Path=/; HttpOnly; SameSite=Lax';
const hsts = { 'Strict-Transport-Security': 'max-age=31536000' };

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** The findings about a site that are not ok. */
async function check(url: string, variables: object = {}): Promise<string[]> {
  const found = await examine(shared, 'site', { env: { ...env, ...variables } }, url);
  return found.filter(({ level }) => level !== 'ok').map(({ level, fact }) => `${level}: ${fact}`);
}

const response =
  (headers: Record<string, string>, status = 200): RequestListener =>
  (_, response) =>
    response.writeHead(status, headers).end('hello');

test('without --url, no request is sent', async () => {
  expect(await examine(shared, 'site')).toMatchObject([
    { level: 'ok', fact: expect.stringMatching(/^Not checked: no --url/) },
  ]);
});

test('a site that cannot be reached is a note', async () => {
  const server = createPlain();
  const port = await listen(server);
  server.close();
  expect(await check(`http://127.0.0.1:${port}`)).toEqual([
    `note: Not checked: http://127.0.0.1:${port} cannot be reached (ECONNREFUSED).`,
  ]);
});

test.each<[string, RequestListener, RegExp[]]>([
  ['sets the cookie correctly', (req, res) => response({ 'Set-Cookie': `${cookie}=x; ${good}` })(req, res), []],
  ['sets no cookie', response({}), [/^note: This page sets no session cookie/]],
  ['sets another cookie', response({ 'Set-Cookie': `other=x; ${good}` }), [/^note: This page sets no session cookie/]],
  [
    'lets scripts and other sites use the cookie',
    (req, res) => response({ 'Set-Cookie': `${cookie}=x; Path=/` })(req, res),
    [/^problem: The session cookie lacks httponly, samesite=lax\.$/],
  ],
  [
    'sets the cookie for other hosts',
    (req, res) => response({ 'Set-Cookie': `${cookie}=x; ${good}; Domain=example.org` })(req, res),
    [/^problem: The session cookie is valid for a whole domain: example\.org\.$/],
  ],
  ['fails', response({}, 503), [/^problem: .* responds with 503/, /^note: This page sets no session cookie/]],
])(
  'over plain HTTP on this machine, doctor has the expected findings about a site that %s',
  async (_, listener, expected) => {
    const port = await listen(createPlain(listener));
    expect(await check(`http://127.0.0.1:${port}`)).toEqual(expected.map((fact) => expect.stringMatching(fact)));
  },
);

test('plain HTTP on the same host must redirect to HTTPS, or not respond', async () => {
  const at = async (listener: RequestListener) => new URL(`http://127.0.0.1:${await listen(createPlain(listener))}`);
  const levels = async (listener: RequestListener) =>
    (await checkPlainHttp(await at(listener))).map(({ level }) => level);
  expect(await levels(response({}))).toEqual(['problem']);
  expect(await levels(response({ Location: '/there' }, 302))).toEqual(['problem']);
  expect(await levels(response({ Location: 'https://example.localhost/' }, 301))).toEqual([]);
  expect(await checkPlainHttp(new URL('http://127.0.0.1:1'))).toEqual([]);
});

const withoutOpenssl = notInstalled('openssl');

describe.skipIf(withoutOpenssl !== '')(`over HTTPS${withoutOpenssl}`, () => {
  let tls: { key: Buffer; cert: Buffer };

  beforeAll(() => {
    const [key, cert] = [shared.path('key.pem'), shared.path('cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
    execFileSync('openssl', [...args, '-keyout', key, '-out', cert, ...subject], { stdio: 'pipe' });
    tls = { key: readFileSync(key), cert: readFileSync(cert) };
  });

  const secure = async (listener: RequestListener) => `https://127.0.0.1:${await listen(createSecure(tls, listener))}`;

  /** Checks a site as if this machine trusted its certificate. */
  async function checkTrusting(listener: RequestListener, variables: object = {}): Promise<string[]> {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    return check(await secure(listener), { NODE_ENV: 'production', TRUST_PROXY: '1', ...variables });
  }

  test('an untrusted certificate is a problem', async () => {
    expect(await check(await secure(response({})))).toEqual([
      expect.stringMatching(/^problem: The certificate of https:.* is not accepted: DEPTH_ZERO_SELF_SIGNED_CERT\.$/),
    ]);
  });

  test.each<[string, (url: string) => RequestListener, RegExp[]]>([
    ['is set up correctly', () => response({ ...hsts, 'Set-Cookie': `__Host-${cookie}=x; Secure; ${good}` }), []],
    [
      'lacks Strict-Transport-Security',
      () => response({ 'Set-Cookie': `__Host-${cookie}=x; Secure; ${good}` }),
      [/^problem: https:.* sends no Strict-Transport-Security/],
    ],
    [
      'does not detect HTTPS',
      () => response({ ...hsts, 'Set-Cookie': `${cookie}=x; ${good}` }),
      [/^problem: https:.* sets the session cookie for plain HTTP/],
    ],
    [
      'has a cookie that the proxy changed',
      () => response({ ...hsts, 'Set-Cookie': `__Host-${cookie}=x; Path=/; SameSite=None` }),
      [/^problem: The session cookie lacks httponly, secure, samesite=lax\.$/],
    ],
  ])('doctor has the expected findings about a site that %s', async (_, listener, expected) => {
    const found = await checkTrusting((req, res) => listener('')(req, res));
    expect(found).toEqual(expected.map((fact) => expect.stringMatching(fact)));
  });

  test('doctor follows up to five redirects on the same host', async () => {
    const found = await checkTrusting((req, res) => {
      if (req.url === '/') return response({ Location: '/home' }, 302)(req, res);
      return response({ ...hsts, 'Set-Cookie': `__Host-${cookie}=x; Secure; ${good}` })(req, res);
    });
    expect(found).toEqual([]);
    let requests = 0;
    await checkTrusting((req, res) => {
      requests += 1;
      return response({ Location: '/again' }, 302)(req, res);
    });
    expect(requests).toBe(6);
  });

  test('the server in production behind a proxy sets its cookie only with X-Forwarded-Proto', async () => {
    const settings = { NODE_ENV: 'production', TRUST_PROXY: '1' };
    const { url } = await serve(shared, environment, [], { env: settings });
    const proxy =
      (headers: object): RequestListener =>
      (req, res) =>
        void request(url + req.url, { headers: { ...req.headers, ...headers }, agent: false }, (response) => {
          res.writeHead(response.statusCode ?? 0, response.headers);
          response.pipe(res);
        }).end();
    expect(await checkTrusting(proxy({ 'X-Forwarded-Proto': 'https' }), settings)).toEqual([]);
    expect(await checkTrusting(proxy({}), settings)).toEqual([
      expect.stringMatching(/^note: This page sets no session/),
    ]);
  });
});

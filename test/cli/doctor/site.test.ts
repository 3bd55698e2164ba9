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

/** What doctor says of a site, but for what is ok. */
async function judge(url: string, variables: object = {}): Promise<string[]> {
  const found = await examine(shared, 'site', { env: { ...env, ...variables } }, url);
  return found.filter(({ level }) => level !== 'ok').map(({ level, fact }) => `${level}: ${fact}`);
}

const response =
  (headers: Record<string, string>, status = 200): RequestListener =>
  (_, response) =>
    response.writeHead(status, headers).end('hello');

test('nothing is asked without --url', async () => {
  expect(await examine(shared, 'site')).toMatchObject([{ level: 'ok', fact: expect.stringMatching(/^Not asked/) }]);
});

test('a site that cannot be reached is a note', async () => {
  const server = createPlain();
  const port = await listen(server);
  server.close();
  expect(await judge(`http://127.0.0.1:${port}`)).toEqual([
    `note: Not checked: http://127.0.0.1:${port} cannot be reached (ECONNREFUSED).`,
  ]);
});

test.each<[string, RequestListener, RegExp[]]>([
  ['sets the cookie right', (req, res) => response({ 'Set-Cookie': `${cookie}=x; ${good}` })(req, res), []],
  ['sets none', response({}), [/^note: This page sets no session cookie/]],
  ['sets another', response({ 'Set-Cookie': `other=x; ${good}` }), [/^note: This page sets no session cookie/]],
  [
    'sets it for scripts and other sites',
    (req, res) => response({ 'Set-Cookie': `${cookie}=x; Path=/` })(req, res),
    [/^problem: The session cookie lacks httponly, samesite=lax\.$/],
  ],
  [
    'sets it for other hosts',
    (req, res) => response({ 'Set-Cookie': `${cookie}=x; ${good}; Domain=example.org` })(req, res),
    [/^problem: The session cookie is for a whole domain: example\.org\.$/],
  ],
  ['fails', response({}, 503), [/^problem: .* answers with 503/, /^note: This page sets no session cookie/]],
])('over plain HTTP on this machine: what %s', async (_, listener, expected) => {
  const port = await listen(createPlain(listener));
  expect(await judge(`http://127.0.0.1:${port}`)).toEqual(expected.map((fact) => expect.stringMatching(fact)));
});

test('plain HTTP beside HTTPS must lead to it, or not answer', async () => {
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

  /** As if the certificate were from somebody that this machine trusts. */
  async function judgeTrusting(listener: RequestListener, variables: object = {}): Promise<string[]> {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    return judge(await secure(listener), { NODE_ENV: 'production', TRUST_PROXY: '1', ...variables });
  }

  test('a certificate that nobody trusts is a problem', async () => {
    expect(await judge(await secure(response({})))).toEqual([
      expect.stringMatching(/^problem: The certificate of https:.* is not accepted: DEPTH_ZERO_SELF_SIGNED_CERT\.$/),
    ]);
  });

  test.each<[string, (url: string) => RequestListener, RegExp[]]>([
    ['is right', () => response({ ...hsts, 'Set-Cookie': `__Host-${cookie}=x; Secure; ${good}` }), []],
    [
      'lacks Strict-Transport-Security',
      () => response({ 'Set-Cookie': `__Host-${cookie}=x; Secure; ${good}` }),
      [/^problem: https:.* sends no Strict-Transport-Security/],
    ],
    [
      'takes HTTPS for HTTP',
      () => response({ ...hsts, 'Set-Cookie': `${cookie}=x; ${good}` }),
      [/^problem: https:.* sets the session cookie for plain HTTP/],
    ],
    [
      'was changed on its way',
      () => response({ ...hsts, 'Set-Cookie': `__Host-${cookie}=x; Path=/; SameSite=None` }),
      [/^problem: The session cookie lacks httponly, secure, samesite=lax\.$/],
    ],
  ])('what %s', async (_, listener, expected) => {
    const found = await judgeTrusting((req, res) => listener('')(req, res));
    expect(found).toEqual(expected.map((fact) => expect.stringMatching(fact)));
  });

  test('redirects on the host are followed, and no further than five', async () => {
    const found = await judgeTrusting((req, res) => {
      if (req.url === '/') return response({ Location: '/home' }, 302)(req, res);
      return response({ ...hsts, 'Set-Cookie': `__Host-${cookie}=x; Secure; ${good}` })(req, res);
    });
    expect(found).toEqual([]);
    let asked = 0;
    await judgeTrusting((req, res) => {
      asked += 1;
      return response({ Location: '/again' }, 302)(req, res);
    });
    expect(asked).toBe(6);
  });

  test('the server itself in production behind a proxy is right, and without TRUST_PROXY it is not', async () => {
    const settings = { NODE_ENV: 'production', TRUST_PROXY: '1' };
    const { url } = await serve(shared, environment, [], { env: settings });
    const proxy =
      (headers: object): RequestListener =>
      (req, res) =>
        void request(url + req.url, { headers: { ...req.headers, ...headers }, agent: false }, (answered) => {
          res.writeHead(answered.statusCode ?? 0, answered.headers);
          answered.pipe(res);
        }).end();
    expect(await judgeTrusting(proxy({ 'X-Forwarded-Proto': 'https' }), settings)).toEqual([]);
    expect(await judgeTrusting(proxy({}), settings)).toEqual([
      expect.stringMatching(/^note: This page sets no session/),
    ]);
  });
});

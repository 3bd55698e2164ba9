import type { Express, Request, Response } from 'express';
import { expect, test } from 'vitest';
import { signId, verifyId } from '../../src/session/cookie/signature.ts';
import { sessionKeyOf } from '../../src/stores/session-key.ts';
import { dayMs, hourMs, type Site, secretOf, startSite } from './support.ts';

function routes(app: Express): void {
  app.get('/set', (req, res) => {
    req.session.count = (req.session.count ?? 0) + 1;
    req.session.userId = 'ann';
    res.send(req.sessionID);
  });
  app.get('/show', (req, res) => res.json(req.session.count ?? 0));
  app.all('/write', (_req, res) => res.send('written'));
}

const https = { 'X-Forwarded-Proto': 'https' };
const idOf = (cookie: string): string =>
  decodeURIComponent(cookie)
    .replace(/^.*?=s:/, '')
    .replace(/\..*$/, '');

async function count(site: Site, headers: Record<string, string>): Promise<string> {
  return (await site.request('/show', { headers })).body;
}

test('over plain HTTP in development the cookie has its plain name, and the flags HttpOnly and SameSite', async () => {
  const site = await startSite(routes);
  const { headers } = await site.request('/set');
  expect(headers['set-cookie']).toEqual([
    expect.stringMatching(/^sid=s%3A[\w-]{43}\.[^;]+; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/),
  ]);
});

test.each([true, false])(
  'over HTTPS the cookie is bound to the host and to HTTPS (production: %s)',
  async (production) => {
    const site = await startSite(routes, { production });
    const { headers, cookie } = await site.request('/set', { headers: https });
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(/^__Host-sid=s%3A\S+; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure$/),
    ]);
    expect(await count(site, { ...https, Cookie: cookie })).toBe('1');
    expect(await count(site, { ...https, Cookie: cookie.replace('__Host-', '') })).toBe('0');
  },
);

test.each<[string, (req: Request, res: Response) => unknown]>([
  ['assigned', (req, res) => [Object.assign(req.session, { count: 1 }), res.send()]],
  ['saved', (req, res) => Object.assign(req.session, { count: 1 }).save(() => res.send())],
  ['updated', async (req, res) => [await req.session.update((data) => Object.assign(data, { count: 1 })), res.send()]],
  [
    'saved after a regenerate',
    (req, res) => req.session.regenerate(() => Object.assign(req.session, { count: 1 }).save(() => res.send())),
  ],
  [
    'streamed',
    (req, res) => [Object.assign(req.session, { count: 1 }), res.write('a'), setTimeout(() => res.end(), 9)],
  ],
])(
  'in production over plain HTTP, a session that is %s gets no cookie and is not stored, and the log says to set TRUST_PROXY',
  async (_, handle) => {
    const site = await startSite((app) => app.get('/set', handle), { production: true });
    expect(await site.request('/set')).toMatchObject({ status: 200, cookie: '' });
    expect(await site.records()).toEqual([]);
    expect(site.log.every(({ level, message }) => level === 'error' && message.includes('TRUST_PROXY'))).toBe(true);
    expect(site.log).toHaveLength(1);
  },
);

test('a handler cannot weaken the cookie, and stored attributes have no effect', async () => {
  const site = await startSite((app) => {
    app.get('/weaken', (req, res) => {
      Object.assign(req.session.cookie, { httpOnly: false, sameSite: 'none', domain: 'evil.example', path: '/x' });
      req.session.count = 1;
      res.send();
    });
    routes(app);
  });
  const response = await site.request('/weaken');
  expect(String(response.headers['set-cookie'])).toMatch(/; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax$/);
  const [record] = await site.records();
  expect(record?.data).toBe('{"count":1}');
});

test('an id has 256 random bits, and the store knows only its hash', async () => {
  const site = await startSite(routes);
  const ids = await Promise.all(Array.from({ length: 20 }, async () => (await site.request('/set')).body));
  expect(new Set(ids).size).toBe(20);
  for (const id of ids) expect(Buffer.from(id, 'base64url')).toHaveLength(32);
  const records = await site.records();
  expect(records.map(({ key }) => key).sort()).toEqual(ids.map(sessionKeyOf).sort());
  for (const id of ids) expect(JSON.stringify(records)).not.toContain(id);
});

test('an id that the server did not issue, or whose session is gone, is not accepted', async () => {
  const site = await startSite(routes);
  const planted = 'p'.repeat(43);
  const key = { id: '', secret: secretOf('a') };
  const values = [
    planted,
    `s:${planted}`,
    `s:${planted}.`,
    `s:${planted}.AAAA`,
    signId(planted, { id: '', secret: secretOf('b') }),
    signId(planted, key),
    '%E0%A4%A',
    '',
  ];
  for (const value of values) {
    const { body, cookie } = await site.request('/set', { headers: { Cookie: `sid=${value}` } });
    expect(body).not.toBe(planted);
    expect(idOf(cookie)).toBe(body);
  }
});

test('an id in the address, the body or a header is ignored', async () => {
  const site = await startSite(routes);
  const { cookie } = await site.request('/set');
  const value = cookie.slice(4);
  expect((await site.request(`/show?${cookie}&sessionID=${value}`)).body).toBe('0');
  for (const name of ['X-Session-Id', 'Authorization', 'sid', 'Set-Cookie', 'Cookie2']) {
    expect(await count(site, { [name]: cookie })).toBe('0');
  }
});

test('each of several cookies with the same name is tried', async () => {
  const site = await startSite(routes);
  const { cookie } = await site.request('/set');
  const gone = `sid=${encodeURIComponent(signId('g'.repeat(43), { id: '', secret: secretOf('a') }))}`;
  for (const Cookie of [`sid=x; ${cookie}`, `${gone}; ${cookie}`, `${cookie}; ${gone}`, `a=1;sid=;${cookie};b=2`]) {
    expect(await count(site, { Cookie })).toBe('1');
  }
});

test('a cookie of an older secret is replaced, and the record gets the new secret id once the client sends the new cookie', async () => {
  let secrets = [secretOf('a')];
  const site = await startSite(routes, { secrets: () => secrets });
  const { cookie } = await site.request('/set');
  const before = (await site.records())[0]?.keyId;
  secrets = [secretOf('b'), secretOf('a')];
  const seen = await site.request('/show', { headers: { Cookie: cookie } });
  expect(seen.body).toBe('1');
  expect(idOf(seen.cookie)).toBe(idOf(cookie));
  expect(verifyId(decodeURIComponent(seen.cookie.slice(4)), [{ id: '', secret: secretOf('b') }])).toBeDefined();
  // The response may have been lost: the old secret is in use until the client sends the new cookie.
  expect((await site.records())[0]?.keyId).toBe(before);
  expect((await site.request('/show', { headers: { Cookie: seen.cookie } })).cookie).toBe('');
  const after = (await site.records())[0]?.keyId;
  expect(after).toMatch(/^[0-9a-f]{8}$/);
  expect(after).not.toBe(before);
  await site.request('/show', { headers: { Cookie: cookie } });
  expect((await site.records())[0]?.keyId).toBe(after);
  secrets = [secretOf('b')];
  expect(await count(site, { Cookie: cookie })).toBe('0');
  expect(await count(site, { Cookie: seen.cookie })).toBe('1');
});

test('a cookie is set once, and for as long as the session can last', async () => {
  const site = await startSite(routes);
  const browse = site.browser();
  await browse('/set');
  site.clock.now += 3 * hourMs;
  expect((await browse('/set')).headers).not.toHaveProperty('set-cookie');
  site.clock.now += dayMs - 1;
  expect((await browse('/show')).body).toBe('2');
});

test.each<[string, string, Record<string, string>, number]>([
  ['POST', 'no browser', {}, 200],
  ['POST', 'the same origin', { 'Sec-Fetch-Site': 'same-origin' }, 200],
  ['POST', 'the address bar', { 'Sec-Fetch-Site': 'none' }, 200],
  ['POST', 'another site', { 'Sec-Fetch-Site': 'cross-site' }, 403],
  ['PUT', 'another host of the site', { 'Sec-Fetch-Site': 'same-site' }, 403],
  ['DELETE', 'another site', { 'Sec-Fetch-Site': 'cross-site', Origin: 'http://site.example' }, 403],
  ['POST', 'an origin that is the host', { Host: 'site.example', Origin: 'http://SITE.example' }, 200],
  ['POST', 'an origin that is not', { Host: 'site.example', Origin: 'http://evil.example' }, 403],
  ['POST', 'an origin with another port', { Host: 'site.example:1', Origin: 'http://site.example:2' }, 403],
  ['PATCH', 'a sandboxed page', { Origin: 'null' }, 403],
  ['GET', 'another site', { 'Sec-Fetch-Site': 'cross-site' }, 200],
  ['HEAD', 'another site', { 'Sec-Fetch-Site': 'cross-site' }, 200],
  ['OPTIONS', 'another site', { Origin: 'http://evil.example' }, 200],
])('a %s request from %s with the headers %j gets a %i', async (method, _, headers, status) => {
  const site = await startSite(routes);
  expect((await site.request('/write', { method, headers })).status).toBe(status);
});

test.each<[string, Record<string, string>, string | undefined, boolean]>([
  ['/show', {}, 'private, no-store', true],
  ['/write', {}, undefined, false],
  ['/own', {}, 'private, max-age=60', true],
  ['/public', {}, 'private, no-store', true],
  ['/own-set', {}, 'private, no-store', true],
  ['/set-as/PRIVATE', {}, 'PRIVATE', true],
  ['/set-as/no-cache, no-transform', {}, 'private, no-store, no-transform', true],
  ['/set-as/no-store,max-age=0', {}, 'no-store,max-age=0', true],
  ['/set-as/public, no-cache="x-private"', {}, 'private, no-store', true],
  ['/set-as/public, private="x-name, private, x"', {}, 'private, no-store', true],
  ['/file', {}, 'private, no-store', true],
])(
  'a shared cache may store the response to %s only if the handler does not use the session',
  async (path, headers, cacheControl, varies) => {
    const site = await startSite((app) => {
      routes(app);
      app.get('/own', (req, res) => res.set('Cache-Control', 'private, max-age=60').json(req.session.count ?? 0));
      app.get('/public', (req, res) => res.set('Cache-Control', 'public, max-age=60').json(req.session.count ?? 0));
      app.get('/set-as/:value', (req, res) => res.set('Cache-Control', req.params.value).json(req.session.count ?? 0));
      app.get('/own-set', (req, res) => {
        req.session.count = 1;
        res.set('Cache-Control', 'private, max-age=60').send();
      });
      app.get('/file', (req, res) => (req.session.count ? res.end() : res.sendFile(import.meta.filename)));
    });
    const response = await site.request(encodeURI(path), { headers });
    expect(response.headers['cache-control']).toBe(cacheControl);
    expect(/\bcookie\b/i.test(response.headers.vary ?? '')).toBe(varies);
  },
);

test('no log line contains a session id, a secret or a cookie', async () => {
  const site = await startSite((app) => {
    routes(app);
    app.get('/bad', (req, res) => {
      req.session.value = 1n;
      res.send();
    });
  });
  const { body: id, cookie } = await site.request('/set');
  const [record] = await site.records();
  await site.request('/bad', { headers: { Cookie: cookie } });
  if (record) await site.driver.update(record.key, record.version, { ...record, data: '[' });
  await site.request('/show', { headers: { Cookie: cookie } });
  const text = JSON.stringify(site.log.map(({ detail, message }) => [message, String(Object.values(detail))]));
  expect(site.log).toHaveLength(2);
  for (const word of [id, cookie, secretOf('a')]) expect(text).not.toContain(word);
});

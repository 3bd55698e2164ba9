// OWASP ASVS 5.0, chapter V3: what a browser is told. Each test is named by the requirement that it shows.
import { expect, test } from 'vitest';
import { partsOf, serveFor } from './site.ts';

const production = serveFor('production');
const development = serveFor('development');

/** An answer of each kind that the server makes itself. */
const kinds: [kind: string, path: string, status: number, options?: Parameters<typeof production.ask>[1]][] = [
  ['a page', '/me', 200],
  ['an answer that sets a cookie', '/in', 200],
  ['a page that is not there', '/missing', 404],
  ['an error', '/fail', 500],
  ['a session that is too large', '/large', 500],
  ['a refusal', '/write', 403, { method: 'POST', headers: { 'Sec-Fetch-Site': 'cross-site' } }],
];

async function headersOfAll(): Promise<Record<string, string>[]> {
  const responses = await Promise.all(kinds.map(([, path, , options]) => production.ask(path, options)));
  expect(responses.map(({ status }) => status)).toEqual(kinds.map(([, , status]) => status));
  return responses.map(({ headers }) => headers as Record<string, string>);
}

test('3.2.1: what the server says itself is plain text, of which a browser makes nothing else', async () => {
  for (const path of ['/<script>alert(1)</script>', '/fail?<script>', '/large?<img src=x onerror=alert(1)>']) {
    const { headers, body } = await production.ask(encodeURI(path));
    expect(headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' });
    expect(body).not.toMatch(/<script>|<img/);
  }
});

test('3.3.1: the session cookie is Secure, and over plain HTTP there is none in production', async () => {
  expect((await production.ask('/in')).headers['set-cookie']).toEqual([expect.stringMatching(/; Secure(;|$)/)]);
  const plain = await production.ask('/in', { headers: { 'X-Forwarded-Proto': 'http' } });
  expect(plain).toMatchObject({ status: 200, cookie: '' });
});

test('3.3.2: it is SameSite=Lax, as what a link from elsewhere may carry', async () => {
  for (const { ask } of [production, development])
    expect((await ask('/in')).headers['set-cookie']).toEqual([expect.stringMatching(/; SameSite=Lax(;|$)/)]);
});

test('3.3.3: its name begins with __Host-, so that it is bound to this host, to / and to HTTPS', async () => {
  const [line = ''] = (await production.ask('/in')).headers['set-cookie'] ?? [];
  expect(line).toMatch(/^__Host-[\w-]+=[^;]+; Path=\/;/);
  expect(line).not.toMatch(/domain/i);
});

test('3.3.4: it is HttpOnly, and the id leaves in Set-Cookie and nowhere else', async () => {
  for (const { ask, as } of [production, development]) {
    const { headers, cookie, body } = await ask('/in');
    expect(headers['set-cookie']).toEqual([expect.stringMatching(/; HttpOnly(;|$)/)]);
    const { 'set-cookie': _, ...others } = headers;
    const later = await as(cookie, '/me');
    expect(JSON.stringify([others, body, later.headers, later.body])).not.toContain(partsOf(cookie).id);
  }
});

test('3.3.5: name and value together are far from 4096 bytes, whatever the session holds', async () => {
  const { cookie } = await production.ask(`/keep/text/${'x'.repeat(8000)}`);
  expect(cookie.length).toBeGreaterThan(80);
  expect(cookie.length).toBeLessThan(200);
});

test('3.4.1: every answer in production asks for HTTPS for a year, with subdomains', async () => {
  for (const headers of await headersOfAll()) {
    const [, age = '0'] = /^max-age=(\d+); includeSubDomains$/.exec(headers['strict-transport-security'] ?? '') ?? [];
    expect(Number(age)).toBeGreaterThanOrEqual(365 * 24 * 3600);
  }
  expect((await development.ask('/me')).headers).not.toHaveProperty('strict-transport-security');
});

test('3.4.2: no other origin is allowed to read an answer', async () => {
  for (const method of ['GET', 'OPTIONS']) {
    const { headers } = await production.ask('/me', { method, headers: { Origin: 'https://evil.example' } });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  }
});

test('3.4.3: every answer has a Content-Security-Policy that loads from here only, no object, no other base', async () => {
  for (const headers of await headersOfAll()) {
    const policy = headers['content-security-policy']?.split(';') ?? [];
    for (const directive of ["default-src 'self'", "object-src 'none'", "base-uri 'none'", "script-src 'self'"])
      expect(policy).toContain(directive);
    expect(policy.join()).not.toMatch(/script-src[^,]*unsafe|\*/);
  }
});

test('3.4.4: every answer says that its type is not to be guessed', async () => {
  for (const headers of await headersOfAll()) expect(headers['x-content-type-options']).toBe('nosniff');
});

test('3.4.5: every answer says that its address is told to no other site', async () => {
  for (const headers of await headersOfAll()) expect(headers['referrer-policy']).toBe('same-origin');
});

test('3.4.6: no answer may be shown in a frame', async () => {
  for (const headers of await headersOfAll()) {
    expect(headers['content-security-policy']?.split(';')).toContain("frame-ancestors 'none'");
    expect(headers['x-frame-options']).toBe('DENY');
  }
});

test('3.4.8: every answer has a browsing context of its own', async () => {
  for (const headers of await headersOfAll()) expect(headers['cross-origin-opener-policy']).toBe('same-origin');
});

test.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
  '3.5.1: a %s that another site makes a browser send is refused, and one of the same origin is not',
  async (method) => {
    const { cookie } = await production.ask('/in');
    const statusFor = async (headers: Record<string, string>): Promise<number> =>
      (await production.as(cookie, '/write', { method, headers })).status;
    const { host } = new URL(production.url());
    expect(await statusFor({ 'Sec-Fetch-Site': 'cross-site' })).toBe(403);
    expect(await statusFor({ 'Sec-Fetch-Site': 'same-site' })).toBe(403);
    expect(await statusFor({ Origin: 'https://evil.example' })).toBe(403);
    expect(await statusFor({ Origin: 'null' })).toBe(403);
    expect(await statusFor({ 'Sec-Fetch-Site': 'same-origin' })).toBe(200);
    expect(await statusFor({ Origin: `https://${host}` })).toBe(200);
    // A proxy may name the port that goes without saying.
    expect(await statusFor({ Origin: 'https://shop.example', Host: 'shop.example:443' })).toBe(200);
    expect(await statusFor({ Origin: 'https://shop.example:444', Host: 'shop.example:443' })).toBe(403);
  },
);

test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])(
  '3.5.2: a request that needs no preflight, of type %j, is refused no less',
  async (type) => {
    const headers = { Origin: 'https://evil.example', ...(type && { 'Content-Type': type }) };
    expect((await production.ask('/write', { method: 'POST', headers, body: 'a=b' })).status).toBe(403);
  },
);

test('3.5.8: no other origin may embed an answer', async () => {
  for (const headers of await headersOfAll()) expect(headers['cross-origin-resource-policy']).toBe('same-origin');
});

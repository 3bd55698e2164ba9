// OWASP ASVS 5.0, chapter V3: instructions to the browser. The title of each test begins with its requirement.
import { expect, test } from 'vitest';
import { partsOf, serveFor } from './site.ts';

const production = serveFor('production');
const development = serveFor('development');

/** A response of each kind that the server itself creates. */
const kinds: [kind: string, path: string, status: number, options?: Parameters<typeof production.ask>[1]][] = [
  ['a page', '/me', 200],
  ['a response that sets a cookie', '/in', 200],
  ['a missing page', '/missing', 404],
  ['an error', '/fail', 500],
  ['a session that is too large', '/large', 500],
  ['a refusal', '/write', 403, { method: 'POST', headers: { 'Sec-Fetch-Site': 'cross-site' } }],
];

async function headersOfAll(): Promise<Record<string, string>[]> {
  const responses = await Promise.all(kinds.map(([, path, , options]) => production.ask(path, options)));
  expect(responses.map(({ status }) => status)).toEqual(kinds.map(([, , status]) => status));
  return responses.map(({ headers }) => headers as Record<string, string>);
}

test('3.2.1: the server’s own responses are plain text, which a browser does not interpret as anything else', async () => {
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

test('3.3.2: it is SameSite=Lax, so that links from other sites work', async () => {
  for (const { ask } of [production, development])
    expect((await ask('/in')).headers['set-cookie']).toEqual([expect.stringMatching(/; SameSite=Lax(;|$)/)]);
});

test('3.3.3: its name begins with __Host-, which binds it to this host, to / and to HTTPS', async () => {
  const [line = ''] = (await production.ask('/in')).headers['set-cookie'] ?? [];
  expect(line).toMatch(/^__Host-[\w-]+=[^;]+; Path=\/;/);
  expect(line).not.toMatch(/domain/i);
});

test('3.3.4: it is HttpOnly, and the id is sent only in Set-Cookie', async () => {
  for (const { ask, as } of [production, development]) {
    const { headers, cookie, body } = await ask('/in');
    expect(headers['set-cookie']).toEqual([expect.stringMatching(/; HttpOnly(;|$)/)]);
    const { 'set-cookie': _, ...others } = headers;
    const later = await as(cookie, '/me');
    expect(JSON.stringify([others, body, later.headers, later.body])).not.toContain(partsOf(cookie).id);
  }
});

test('3.3.5: name and value together are far below 4096 bytes, whatever the session contains', async () => {
  const { cookie } = await production.ask(`/keep/text/${'x'.repeat(8000)}`);
  expect(cookie.length).toBeGreaterThan(80);
  expect(cookie.length).toBeLessThan(200);
});

test('3.4.1: every response in production requires HTTPS for a year, with subdomains', async () => {
  for (const headers of await headersOfAll()) {
    const [, age = '0'] = /^max-age=(\d+); includeSubDomains$/.exec(headers['strict-transport-security'] ?? '') ?? [];
    expect(Number(age)).toBeGreaterThanOrEqual(365 * 24 * 3600);
  }
  expect((await development.ask('/me')).headers).not.toHaveProperty('strict-transport-security');
});

test('3.4.2: no other origin may read a response', async () => {
  for (const method of ['GET', 'OPTIONS']) {
    const { headers } = await production.ask('/me', { method, headers: { Origin: 'https://evil.example' } });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  }
});

test('3.4.3: every response has a Content-Security-Policy: only its own origin, no object, no other base', async () => {
  for (const headers of await headersOfAll()) {
    const policy = headers['content-security-policy']?.split(';') ?? [];
    for (const directive of ["default-src 'self'", "object-src 'none'", "base-uri 'none'", "script-src 'self'"])
      expect(policy).toContain(directive);
    expect(policy.join()).not.toMatch(/script-src[^,]*unsafe|\*/);
  }
});

test('3.4.4: every response forbids content type sniffing', async () => {
  for (const headers of await headersOfAll()) expect(headers['x-content-type-options']).toBe('nosniff');
});

test('3.4.5: every response forbids sending its address to other sites', async () => {
  for (const headers of await headersOfAll()) expect(headers['referrer-policy']).toBe('same-origin');
});

test('3.4.6: no response may be shown in a frame', async () => {
  for (const headers of await headersOfAll()) {
    expect(headers['content-security-policy']?.split(';')).toContain("frame-ancestors 'none'");
    expect(headers['x-frame-options']).toBe('DENY');
  }
});

test('3.4.8: every response has a separate browsing context group', async () => {
  for (const headers of await headersOfAll()) expect(headers['cross-origin-opener-policy']).toBe('same-origin');
});

test.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
  '3.5.1: a cross-site %s of a browser is refused, and a same-origin one is handled',
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
    // A proxy may include the default port.
    expect(await statusFor({ Origin: 'https://shop.example', Host: 'shop.example:443' })).toBe(200);
    expect(await statusFor({ Origin: 'https://shop.example:444', Host: 'shop.example:443' })).toBe(403);
  },
);

test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])(
  '3.5.2: a request of type %j, which needs no preflight, is refused too',
  async (type) => {
    const headers = { Origin: 'https://evil.example', ...(type && { 'Content-Type': type }) };
    expect((await production.ask('/write', { method: 'POST', headers, body: 'a=b' })).status).toBe(403);
  },
);

test('3.5.8: no other origin may embed a response', async () => {
  for (const headers of await headersOfAll()) expect(headers['cross-origin-resource-policy']).toBe('same-origin');
});

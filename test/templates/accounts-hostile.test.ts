import { expect, test } from 'vitest';
import { password, shareSite } from './accounts-site.ts';

const site = shareSite();

const evilText = `"><img src=x onerror=alert(1)>'\${7*7}`;

test('markup in a name and in a user agent is escaped', async () => {
  const visitor = site().visitor({ 'User-Agent': `Bot ${evilText}` });
  await visitor.send('/register', { name: evilText, email: 'ann@example.com', password });
  const [link = ''] = await site().linksTo('ann@example.com');
  await visitor.send(link, { password });
  for (const path of ['/', '/account/sessions']) {
    const { text } = await visitor.open(path);
    expect(text).toContain('&#60;img src=x onerror=alert(1)&#62;');
    expect(text).not.toContain('<img');
  }
});

test.each([
  ['/register', { name: evilText, email: evilText, password: evilText }],
  ['/login', { email: evilText, password: evilText, next: evilText }],
  ['/login', { email: evilText, password: evilText, next: `/${evilText}` }],
  ['/reset', { email: evilText }],
])('markup that is sent to %s is escaped in the response', async (path, form) => {
  const { text } = await site().visitor().send(path, form);
  expect(text).not.toContain('<img');
  expect(text).not.toMatch(/value="[^"]*"[^>]*\bonerror=/);
});

test('an email address with special characters is escaped on every page', async () => {
  const email = `"<script>alert(1)</script>"@example.com`;
  const visitor = await site().register(email.replaceAll(' ', ''), site().visitor(), 'Bob');
  for (const path of ['/', '/account/password', '/account/sessions', '/sudo'])
    expect((await visitor.open(path)).text).not.toContain('<script');
});

const paths = ['/register', '/login', '/logout', '/reset', '/sudo', '/account/password', '/account/sessions/end'];

test.each(paths)('another site cannot make a browser submit a form to %s', async (path) => {
  const email = `cem${paths.indexOf(path)}@example.com`;
  const visitor = await site().register(email);
  const form = { email, password, current: password, ref: 'all', name: 'Eve' };
  for (const headers of [
    { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' },
    { 'Sec-Fetch-Site': 'same-site', Origin: 'http://other.localhost' },
    { Origin: 'https://evil.example' },
    { Origin: 'null' },
  ])
    expect((await visitor.send(path, form, headers)).status).toBe(403);
  expect(await visitor.user()).toBe('Ann');
});

test.each(['/logout', '/account/sessions/end', '/account/sessions/end?ref=all'])(
  'a GET of %s changes nothing',
  async (path) => {
    const email = `dora${path.length}@example.com`;
    const visitor = await site().register(email);
    expect((await visitor.open(path)).status).toBe(404);
    expect(await visitor.user()).toBe('Ann');
  },
);

test('a session id that an attacker has chosen or knows never becomes the victim’s', async () => {
  await site().register('erik@example.com');
  const attacker = site().visitor();
  // The attacker puts an anonymous session into the victim's browser.
  await site().register('attacker@example.com', attacker);
  await attacker.send('/account/sessions/end', { ref: 'all' });
  const planted = attacker.cookie;
  const victim = site().visitor({ Cookie: planted });
  await victim.send('/login', { email: 'erik@example.com', password });
  expect(victim.cookie).not.toBe(planted);
  expect(await site().visitor({ Cookie: planted }).user()).toBeUndefined();
});

test.each([
  ['several values of a field', 'email=a@example.com&email=b@example.com&password=x'],
  ['names of JavaScript properties', '__proto__=x&constructor=x&email[a]=x&password[]=x'],
  ['no body', ''],
  ['broken escapes', 'email=%E0%A4%A&password=%'],
  ['control characters', 'email=a%00@example.com&password=%00%00'],
])('a login with %s is rejected as wrong', async (_, body) => {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const { status } = await site().visitor().open('/login', { method: 'POST', body, headers });
  expect(status).toBe(422);
});

test('a body that is too large is refused', async () => {
  const { status } = await site()
    .visitor()
    .send('/login', { email: 'a@example.com', password: 'x'.repeat(20_000) });
  expect(status).toBe(413);
});

test('no page has an inline script or style, and none may load one from another site', async () => {
  const visitor = await site().register('frida@example.com');
  const pages = ['/', '/register', '/login', '/reset', '/reset/x', '/verify/x'].map((path) =>
    site().visitor().open(path),
  );
  const own = ['/', '/account/password', '/account/sessions', '/sudo'].map((path) => visitor.open(path));
  for (const { text, headers } of await Promise.all([...pages, ...own])) {
    expect(text).not.toMatch(/<script|<style|\sstyle=|\son\w+=|javascript:/i);
    expect(headers.get('Content-Security-Policy')).toContain("script-src 'self'");
    expect(headers.get('Content-Type')).toBe('text/html; charset=utf-8');
  }
});

test('a page that needs a user is not cached, and a visit to the other pages creates no session', async () => {
  const visitor = await site().register('gil@example.com');
  expect((await visitor.open('/account/password')).headers.get('Cache-Control')).toContain('no-store');
  for (const path of ['/', '/register', '/login', '/reset', '/reset/x', '/account/password', '/style.css'])
    expect((await site().visitor().open(path)).headers.has('Set-Cookie')).toBe(false);
});

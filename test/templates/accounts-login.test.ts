import { expect, test } from 'vitest';
import { password, shareSite, type Visitor } from './accounts-site.ts';

const site = shareSite();

const wrong = 'not the right password';

async function statusesOf(attempts: number, attempt: () => Promise<{ status: number }>): Promise<number[]> {
  const statuses: number[] = [];
  for (const _ of Array(attempts)) statuses.push((await attempt()).status);
  return statuses;
}

test('a wrong password and an unknown address get the same page', async () => {
  await site().register('ann@example.com');
  const pageFor = async (email: string) => {
    const { status, text, headers } = await site().visitor().send('/login', { email, password: wrong });
    return [status, text.replaceAll(email, ''), headers.get('Content-Length')?.length, headers.has('Set-Cookie')];
  };
  const known = await pageFor('ann@example.com');
  expect(known).toEqual(await pageFor('abc@example.com'));
  expect(known[0]).toBe(422);
});

test('a logout ends the session', async () => {
  const visitor = await site().register('bob@example.com');
  const { cookie } = visitor;
  expect(await visitor.send('/logout', {})).toMatchObject({ status: 303, location: '/login' });
  expect(await visitor.user()).toBeUndefined();
  const thief = site().visitor({ Cookie: cookie });
  expect(await thief.user()).toBeUndefined();
});

test('a login creates a new session id, and the previous one is no longer valid', async () => {
  await site().register('cem@example.com');
  const visitor = await site().logIn('cem@example.com');
  const { cookie } = visitor;
  await site().logIn('cem@example.com', visitor);
  expect(visitor.cookie).not.toBe(cookie);
  expect(await site().visitor({ Cookie: cookie }).user()).toBeUndefined();
});

test.each([
  ['/account/password', '/account/password'],
  ['/account/sessions?x=1', '/account/sessions?x=1'],
  ['', '/'],
  ['account', '/'],
  ['https://evil.example', '/'],
  ['//evil.example', '/'],
  ['/\\evil.example', '/'],
  ['/\t/evil.example', '/'],
  ['/\n/evil.example', '/'],
  ['/..//evil.example', '/'],
  ['/.//evil.example', '/'],
  ['/%2e%2e//evil.example', '/'],
  ['/x/..//evil.example', '/'],
  ['\\\\evil.example', '/'],
  ['javascript:alert(1)', '/'],
  ['/\u0000/evil.example', '/%00/evil.example'],
  ['http:evil.example', '/'],
  ['/@evil.example', '/@evil.example'],
])('after a login with next=%j the browser goes to %j', async (next, location) => {
  const email = 'dora@example.com';
  if ((await site().visitor().send('/login', { email, password })).status !== 303) await site().register(email);
  const visitor = site().visitor();
  const page = await visitor.send('/login', { email, password, next });
  expect([page.status, page.location]).toEqual([303, location]);
  expect(new URL(page.location ?? '', site().url).origin).toBe(site().url);
  const again = await visitor.open(`/login?next=${encodeURIComponent(next)}`);
  expect(again.location).toBe(location);
  const sudo = await visitor.send('/sudo', { password, next });
  expect(sudo.location).toBe(location);
});

test('a page that needs a login redirects to it, and is shown after it', async () => {
  await site().register('erik@example.com');
  const visitor = site().visitor();
  const { status, location } = await visitor.open('/account/password');
  expect([status, location]).toEqual([303, '/login?next=%2Faccount%2Fpassword']);
  const { text } = await visitor.open(location ?? '');
  const [, next = ''] = /name="next" value="([^"]*)"/.exec(text) ?? [];
  expect((await visitor.send('/login', { email: 'erik@example.com', password, next })).location).toBe(
    '/account/password',
  );
});

test('after ten wrong passwords, the right one is refused from this client, but accepted from others', async () => {
  await site().register('frida@example.com');
  const visitor = site().visitor();
  const attempt = (secret: string) => visitor.send('/login', { email: 'frida@example.com', password: secret });
  expect(await statusesOf(12, () => attempt(wrong))).toEqual([...Array(10).fill(422), 429, 429]);
  const { status, text, headers } = await attempt(password);
  expect([status, text]).toEqual([429, expect.stringContaining('Try again in 15 minutes')]);
  expect(Number(headers.get('Retry-After'))).toBeGreaterThan(800);
  await site().logIn('frida@example.com');
});

test('the limit is the same for an address without an account', async () => {
  const visitor = site().visitor();
  const attempt = () => visitor.send('/login', { email: 'unknown@example.com', password: wrong });
  expect(await statusesOf(12, attempt)).toEqual([...Array(10).fill(422), 429, 429]);
});

test('concurrent attempts cannot exceed the limit', async () => {
  await site().register('gil@example.com');
  const visitor = site().visitor();
  const attempts = Array.from({ length: 20 }, () =>
    visitor.send('/login', { email: 'gil@example.com', password: wrong }),
  );
  const statuses = (await Promise.all(attempts)).map(({ status }) => status).sort();
  expect(statuses).toEqual([...Array(10).fill(422), ...Array(10).fill(429)]);
});

test('the right password resets the count of nine wrong ones', async () => {
  await site().register('hugo@example.com');
  const visitor = site().visitor();
  const attempt = (secret: string) => visitor.send('/login', { email: 'hugo@example.com', password: secret });
  for (const _ of Array(2)) {
    expect(await statusesOf(9, () => attempt(wrong))).toEqual(Array(9).fill(422));
    expect((await attempt(password)).status).toBe(303);
  }
});

test('a client that tries many addresses is refused after a hundred attempts', async () => {
  const visitor = site().visitor();
  let count = 0;
  const attempt = () => visitor.send('/login', { email: `user${count++}@example.com`, password: wrong });
  expect(await statusesOf(102, attempt)).toEqual([...Array(100).fill(422), 429, 429]);
});

test('clients in one IPv6 /64 network count as one client', async () => {
  let count = 0;
  const attempt = () => {
    const address = `2001:db8:1:2::${(count++).toString(16)}`;
    return site().visitor({ 'X-Forwarded-For': address }).send('/login', { email: 'six@example.com', password: wrong });
  };
  expect(await statusesOf(11, attempt)).toEqual([...Array(10).fill(422), 429]);
  const other = site().visitor({ 'X-Forwarded-For': '2001:db8:1:3::1' });
  expect((await other.send('/login', { email: 'six@example.com', password: wrong })).status).toBe(422);
});

test('a hundred wrong passwords from many clients lock an account, except for a client that has logged in before', async () => {
  const email = 'ida@example.com';
  await site().register(email);
  const known = await site().logIn(email);
  await known.send('/logout', {});
  const attackers: Visitor[] = Array.from({ length: 10 }, () => site().visitor());
  for (const attacker of attackers)
    expect(await statusesOf(10, () => attacker.send('/login', { email, password: wrong }))).toEqual(
      Array(10).fill(422),
    );
  expect((await site().visitor().send('/login', { email, password })).status).toBe(429);
  expect((await known.send('/login', { email, password })).status).toBe(303);
});

test('after a password reset, the user can log in at once', async () => {
  const email = 'jan@example.com';
  await site().register(email);
  const visitor = site().visitor();
  expect((await statusesOf(11, () => visitor.send('/login', { email, password: wrong }))).at(-1)).toBe(429);
  await visitor.send('/reset', { email });
  const [, link = ''] = await site().linksTo(email, 2);
  expect((await visitor.send(link, { password: 'a new password of Jan' })).status).toBe(303);
  await site().logIn(email, visitor, 'a new password of Jan');
});

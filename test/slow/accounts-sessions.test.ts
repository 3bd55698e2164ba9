import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Driver } from '../../src/stores/driver.ts';
import { open } from '../../src/stores/embedded/driver.ts';
import { partsOf } from '../security/site.ts';
import { password, shareSite, type Visitor } from '../templates/accounts-site.ts';

const site = shareSite();
let sessions: Driver;

beforeAll(async () => {
  sessions = await open(join(site().directory, 'data', 'sessions'));
});
afterAll(() => sessions.close());

const changed = 'another horse battery';

/** Sets the time at which the user last entered the password to some minutes ago. */
async function age({ cookie }: Visitor, minutes: number): Promise<void> {
  const found = await sessions.read(partsOf(cookie).key);
  if (!found) throw new Error('there is no session');
  const { key, version, ...record } = found;
  const data = JSON.parse(record.data) as { confirmedAtMs: number };
  const older = JSON.stringify({ ...data, confirmedAtMs: data.confirmedAtMs - minutes * 60_000 });
  expect(await sessions.update(key, version, { ...record, data: older })).toBe(true);
}

const devicesIn = (text: string) => [...text.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, name]) => name);
const refsIn = (text: string) => [...text.matchAll(/name="ref" value="([^"]*)"/g)].map(([, ref = '']) => ref);
const firefox = { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' };

test('the device page lists each browser, and marks the current one', async () => {
  const visitor = await site().register('ann@example.com', site().visitor(firefox));
  await site().logIn('ann@example.com', site().visitor({ 'User-Agent': 'curl/8.0' }));
  const { text } = await visitor.open('/account/sessions');
  expect(devicesIn(text)).toEqual(['Firefox, Linux <strong class="here">this device</strong>', 'curl/8.0']);
  const [since] = /<time datetime="[^"]+">/.exec(text) ?? [];
  expect(since).toBeDefined();
});

test('a user can log out one device, but no session of another user', async () => {
  const visitor = await site().register('bob@example.com');
  const other = await site().logIn('bob@example.com');
  const stranger = await site().register('eve@example.com');
  const [, ref = ''] = refsIn((await visitor.open('/account/sessions')).text);
  await stranger.send('/account/sessions/end', { ref });
  expect(await other.user()).toBe('Ann');
  expect(await visitor.send('/account/sessions/end', { ref })).toMatchObject({ location: '/account/sessions' });
  expect((await visitor.open('/account/sessions')).text).toContain('1 device was logged out.');
  expect([await visitor.user(), await other.user()]).toEqual(['Ann', undefined]);
});

test.each([
  ['others', '/account/sessions', ['Ann', undefined, undefined]],
  ['all', '/login', [undefined, undefined, undefined]],
])('with ref=%s the selected devices are logged out', async (ref, location, users) => {
  const email = `${ref}@example.com`;
  const visitors = [await site().register(email), await site().logIn(email), await site().logIn(email)];
  const [first] = visitors as [Visitor];
  expect(await first.send('/account/sessions/end', { ref })).toMatchObject({ status: 303, location });
  expect(await Promise.all(visitors.map((visitor) => visitor.user()))).toEqual(users);
});

test('ending the current session on the device page is a logout', async () => {
  const visitor = await site().register('cem@example.com');
  const [here = ''] = refsIn((await visitor.open('/account/sessions')).text);
  expect(await visitor.send('/account/sessions/end', { ref: here })).toMatchObject({ location: '/login' });
  expect(await visitor.user()).toBeUndefined();
});

test.each(['', 'nonsense', '../..', '[object Object]'])('%j as a device ends no session', async (ref) => {
  const email = `nobody${ref.length}@example.com`;
  const visitor = await site().register(email);
  const other = await site().logIn(email);
  expect((await visitor.send('/account/sessions/end', { ref })).status).toBe(303);
  expect([await visitor.user(), await other.user()]).toEqual(['Ann', 'Ann']);
});

test('ten minutes after the last password, the device page asks for it; the session then gets a new id', async () => {
  const visitor = await site().register('dora@example.com', site().visitor(firefox));
  await age(visitor, 9);
  expect((await visitor.open('/account/sessions')).status).toBe(200);
  await age(visitor, 2);
  const { cookie } = visitor;
  expect((await visitor.open('/account/sessions')).location).toBe('/sudo?next=%2Faccount%2Fsessions');
  const end = await visitor.send('/account/sessions/end', { ref: 'all' });
  expect(end.location).toBe('/sudo?next=%2Faccount%2Fsessions');
  expect((await visitor.send('/sudo', { password: 'wrong' })).text).toContain('The password is wrong.');
  expect((await visitor.open('/account/sessions')).status).toBe(303);
  const confirmed = await visitor.send('/sudo', { password, next: '/account/sessions' });
  expect(confirmed).toMatchObject({ status: 303, location: '/account/sessions' });
  expect(visitor.cookie).not.toBe(cookie);
  expect(devicesIn((await visitor.open('/account/sessions')).text)).toHaveLength(1);
  expect(await site().visitor({ Cookie: cookie }).user()).toBeUndefined();
});

test('the limit of ten wrong passwords also applies to /sudo', async () => {
  const visitor = await site().register('erik@example.com');
  for (const _ of Array(10)) expect((await visitor.send('/sudo', { password: 'wrong' })).status).toBe(422);
  expect((await visitor.send('/sudo', { password })).status).toBe(429);
});

test('a password change needs the current password, logs out the other devices, and creates a new session id', async () => {
  const email = 'frida@example.com';
  const visitor = await site().register(email);
  const other = await site().logIn(email);
  const { cookie } = visitor;
  const wrong = await visitor.send('/account/password', { current: 'wrong', password: changed });
  expect([wrong.status, wrong.text]).toEqual([422, expect.stringContaining('The password is wrong.')]);
  const weak = await visitor.send('/account/password', { current: password, password: 'short' });
  expect([weak.status, weak.text]).toEqual([422, expect.stringContaining('fewer than 15')]);
  expect(await other.user()).toBe('Ann');
  expect((await visitor.send('/account/password', { current: password, password: changed })).status).toBe(303);
  expect((await visitor.open('/account/password')).text).toContain('The password was changed');
  expect((await visitor.open('/account/password')).text).not.toContain('The password was changed');
  expect([await visitor.user(), await other.user()]).toEqual(['Ann', undefined]);
  expect(visitor.cookie).not.toBe(cookie);
  expect(await site().visitor({ Cookie: cookie }).user()).toBeUndefined();
  expect((await site().visitor().send('/login', { email, password })).status).toBe(422);
  await site().logIn(email, site().visitor(), changed);
});

test('a session that started with the old password during the change is not valid', async () => {
  const email = 'gil@example.com';
  const visitor = await site().register(email);
  const late = await site().logIn(email);
  const key = partsOf(late.cookie).key;
  const record = await sessions.read(key);
  expect((await visitor.send('/account/password', { current: password, password: changed })).status).toBe(303);
  // The session of a login that verified the password before the change.
  if (!record) throw new Error('there is no session');
  await sessions.delete(key);
  expect(await sessions.create(key, record)).toBe(true);
  expect(await late.user()).toBeUndefined();
  expect(devicesIn((await visitor.open('/account/sessions')).text)).toHaveLength(1);
});

test('only one of several concurrent changes succeeds', async () => {
  const email = 'hugo@example.com';
  await site().register(email);
  const visitors = await Promise.all(Array.from({ length: 4 }, () => site().logIn(email)));
  const passwords = visitors.map((_, n) => `${changed} ${n}`);
  await Promise.all(
    visitors.map((visitor, n) =>
      visitor.send('/account/password', { current: password, password: passwords[n] ?? '' }),
    ),
  );
  const logins = passwords.map((secret) => site().visitor().send('/login', { email, password: secret }));
  const statuses = (await Promise.all(logins)).map(({ status }) => status);
  expect(statuses.sort()).toEqual([303, 422, 422, 422]);
});

test('a reset sets a new password once, and ends every session', async () => {
  const email = 'ida@example.com';
  const visitors = [await site().register(email), await site().logIn(email)];
  await site().visitor().send('/reset', { email });
  const [, link = ''] = await site().linksTo(email, 2);
  const visitor = site().visitor();
  expect((await visitor.send(link, { password: 'short' })).status).toBe(422);
  expect(await visitor.send(link, { password: changed })).toMatchObject({ status: 303, location: '/login' });
  expect((await visitor.open('/login')).text).toContain('The password was changed.');
  expect(await Promise.all(visitors.map((each) => each.user()))).toEqual([undefined, undefined]);
  expect((await visitor.send(link, { password: 'one more horse battery' })).status).toBe(410);
  expect((await visitor.open(link)).status).toBe(410);
  await site().logIn(email, visitor, changed);
});

test('concurrent resets with one link set only one password', async () => {
  const email = 'jan@example.com';
  await site().register(email);
  await site().visitor().send('/reset', { email });
  const [, link = ''] = await site().linksTo(email, 2);
  const passwords = Array.from({ length: 8 }, (_, n) => `${changed} ${n}`);
  const resets = await Promise.all(passwords.map((secret) => site().visitor().send(link, { password: secret })));
  expect(resets.map(({ status }) => status).sort()).toEqual([303, ...Array(7).fill(410)]);
  const winner = resets.findIndex(({ status }) => status === 303);
  await site().logIn(email, site().visitor(), passwords[winner]);
});

test('a password change invalidates the links that were sent before', async () => {
  const email = 'kim@example.com';
  const visitor = await site().register(email);
  for (const _ of Array(2)) await site().visitor().send('/reset', { email });
  const [, first = '', second = ''] = await site().linksTo(email, 3);
  expect((await site().visitor().send(first, { password: changed })).status).toBe(303);
  expect((await site().visitor().send(second, { password: 'a horse for an attacker' })).status).toBe(410);
  await site().visitor().send('/reset', { email });
  const [third = ''] = (await site().linksTo(email, 4)).slice(3);
  await site().logIn(email, visitor, changed);
  await visitor.send('/account/password', { current: changed, password });
  expect((await site().visitor().send(third, { password: changed })).status).toBe(410);
});

test('a reset of an unknown address shows the same page, and sends no mail', async () => {
  await site().register('lea@example.com');
  const pageFor = async (email: string) => {
    const { status, text } = await site().visitor().send('/reset', { email });
    return [status, text.replaceAll(email, '')];
  };
  expect(await pageFor('unknown@example.com')).toEqual(await pageFor('lea@example.com'));
  await site().linksTo('lea@example.com', 2);
  expect(site().output()).not.toContain('mail to unknown@example.com');
});

test('a link works only for its purpose, and an invented link does not work', async () => {
  const email = 'max@example.com';
  await site().register(email);
  await site().visitor().send('/reset', { email });
  const [, reset = ''] = await site().linksTo(email, 2);
  for (const path of [
    reset.replace('reset', 'verify'),
    '/verify/x',
    '/reset/x',
    '/reset/__proto__',
    `/reset/${'x'.repeat(3000)}`,
  ])
    for (const page of [await site().visitor().open(path), await site().visitor().send(path, { password: changed })])
      expect([path, page.status]).toEqual([path, 410]);
  await site().logIn(email);
});

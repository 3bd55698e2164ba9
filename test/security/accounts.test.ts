// OWASP ASVS 5.0, chapter V6, and the requirements of V7 and V16 about accounts, tested with the template `accounts`. The title
// of each test begins with its requirement. test/templates/ has more tests of the template.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { open } from '../../src/stores/embedded/driver.ts';
import { openDatabase } from '../../src/stores/embedded/index.ts';
import { Sandbox } from '../support/sandbox.ts';
import { waitFor } from '../support/server.ts';
import { password, shareSite } from '../templates/accounts-site.ts';
import { partsOf } from './site.ts';

const site = shareSite();
const changed = 'another horse battery';

let count = 0;
const register = (own: string, email = `new${count++}@example.com`) =>
  site().visitor().send('/register', { name: 'Ann', email, password: own });
const wrongLogin = (email: string) => site().visitor().send('/login', { email, password: 'wrong' });
const passwordField = (text: string) => /<input id="password"[^>]*>/.exec(text)?.[0] ?? '';

test('6.2.1: a password has 15 characters or more', async () => {
  expect((await register('x'.repeat(14))).text).toContain('fewer than 15');
  expect((await register('fifteen chars..')).status).toBe(200);
});

test('6.2.2: users change their password', async () => {
  const visitor = await site().register('change@example.com');
  const page = await visitor.send('/account/password', { current: password, password: changed });
  expect(page.status).toBe(303);
  await site().logIn('change@example.com', undefined, changed);
});

test('6.2.3: a change needs the current password', async () => {
  const visitor = await site().register('current@example.com');
  for (const current of ['', 'wrong'])
    expect((await visitor.send('/account/password', { current, password: changed })).status).toBe(422);
  await site().logIn('current@example.com');
});

test.each(['123456789123456789', 'passwordpassword', 'qwertyuiop123456789', 'PasswordPassword'])(
  '6.2.4: %s, one of the 3,000 most common passwords of this length, is refused',
  async (common) => {
    expect((await register(common)).text).toContain('Many people use this password');
    const fingerprints = await readFile(join(site().directory, 'app', 'passwords', 'common-passwords.txt'), 'utf8');
    expect(Buffer.from(fingerprints, 'base64')).toHaveLength(3000 * 4);
  },
);

test.each(['only lower case letters', 'ONLYUPPERCASELETTERS', '4915 2203 8167 5520', '비밀번호는 길어도 외우기 쉽다'])(
  '6.2.5: %j is accepted: any characters are allowed',
  async (own) => {
    expect((await register(own)).status).toBe(200);
  },
);

test('6.2.6: password fields hide the typed text', async () => {
  const visitor = await site().register('hidden@example.com');
  for (const path of ['/account/password', '/sudo'])
    expect(passwordField((await visitor.open(path)).text)).toContain('type="password"');
  for (const path of ['/register', '/login'])
    expect(passwordField((await site().visitor().open(path)).text)).toContain('type="password"');
});

test('6.2.7: password managers and pasting work: fields have autocomplete types, and no script blocks input', async () => {
  expect(passwordField((await site().visitor().open('/register')).text)).toContain('autocomplete="new-password"');
  const { text } = await site().visitor().open('/login');
  expect(passwordField(text)).toContain('autocomplete="current-password"');
  expect(text).toContain('autocomplete="username"');
  expect(text).not.toContain('<script');
});

test('6.2.8: a password is compared unchanged, with its case, its spaces and its full length', async () => {
  const own = `  Spaces Count ${'x'.repeat(200)} `;
  await register(own, 'exact@example.com');
  const [link = ''] = await site().linksTo('exact@example.com');
  for (const other of [own.trim(), own.toLowerCase(), own.slice(0, -2)])
    expect((await site().visitor().send(link, { password: other })).status).toBe(422);
  expect((await site().visitor().send(link, { password: own })).status).toBe(303);
});

test('6.2.9: a password of 256 characters is accepted', async () => {
  expect((await register('xyz '.repeat(64))).status).toBe(200);
});

test('6.2.11: a password that equals the user’s name or email address is refused', async () => {
  for (const own of ['context@example.com', 'Ann of Green Gables'])
    expect(
      (
        await site()
          .visitor()
          .send('/register', { name: 'Ann of Green Gables', email: 'context@example.com', password: own })
      ).text,
    ).toContain('your name or your email address');
});

test('6.3.1: a client can try ten wrong passwords for an account, and this does not lock out others', async () => {
  const email = 'limit@example.com';
  await site().register(email);
  const attacker = site().visitor();
  const attempt = () => attacker.send('/login', { email, password: 'wrong' });
  for (const _ of Array(10)) expect((await attempt()).status).toBe(422);
  expect((await attempt()).status).toBe(429);
  await site().logIn(email);
});

test('6.3.2: a new environment has no account', async () => {
  for (const email of ['admin@example.com', 'root@localhost', 'user@example.com'])
    for (const own of ['admin', 'password', ''])
      expect((await site().visitor().send('/login', { email, password: own })).status).toBe(422);
});

test('6.3.7: a user gets a mail when the password was changed', async () => {
  const visitor = await site().register('told@example.com');
  await visitor.send('/account/password', { current: password, password: changed });
  await waitFor(() => site().output().includes('mail to told@example.com: Your password was changed'));
});

test('6.3.8: a login, a registration and a reset do not reveal whether an address has an account', async () => {
  await site().register('known@example.com');
  for (const path of ['/login', '/register', '/reset']) {
    const pageFor = async (email: string) => {
      const { status, text } = await site().visitor().send(path, { name: 'Eve', email, password: changed });
      return [path, status, text.replaceAll(email, '')];
    };
    expect(await pageFor('known@example.com')).toEqual(await pageFor('other@example.com'));
  }
});

test('6.4.1: a link has 256 random bits, and can be used once', async () => {
  await register(password, 'link@example.com');
  const [link = ''] = await site().linksTo('link@example.com');
  expect(link).toMatch(/^\/verify\/[\w-]{43}$/);
  expect((await site().visitor().send(link, { password })).status).toBe(303);
  expect((await site().visitor().send(link, { password })).status).toBe(410);
});

test('6.4.2: no page asks for a hint or a secret question', async () => {
  const { text } = await site().visitor().open('/register');
  expect([...text.matchAll(/<input [^>]*name="(\w+)"/g)].map(([, name]) => name)).toEqual([
    'name',
    'email',
    'password',
  ]);
});

test('6.4.3: a reset needs the mail, works once and within an hour, and destroys every session', async () => {
  const email = 'reset@example.com';
  const visitor = await site().register(email);
  await site().visitor().send('/reset', { email });
  const [, link = ''] = await site().linksTo(email, 2);
  const tables = ['tokens', 'tokens-by-end'] as const;
  const database = await openDatabase({ directory: join(site().directory, 'data', 'accounts'), tables });
  const newest = Math.max(
    ...database
      .table('tokens-by-end')
      .keys()
      .map((key) => Number(key.split(' ')[0])),
  );
  await database.close();
  expect(newest - Date.now()).toBeLessThanOrEqual(60 * 60 * 1000);
  expect((await site().visitor().send(link, { password: changed })).status).toBe(303);
  expect((await site().visitor().send(link, { password })).status).toBe(410);
  expect(await visitor.user()).toBeUndefined();
});

test('7.4.2: the sessions of a removed account give no access', async () => {
  const visitor = await site().register('removed@example.com');
  const database = await openDatabase({
    directory: join(site().directory, 'data', 'accounts'),
    tables: ['users', 'emails'],
  });
  const id = database.table<string>('emails').get('removed@example.com') ?? '';
  await database.write(() => database.table('users').remove(id));
  await database.close();
  expect(await visitor.user()).toBeUndefined();
});

test('7.4.3: a password change destroys all other sessions', async () => {
  const visitor = await site().register('others@example.com');
  const other = await site().logIn('others@example.com');
  await visitor.send('/account/password', { current: password, password: changed });
  expect([await visitor.user(), await other.user()]).toEqual(['Ann', undefined]);
});

test('7.4.4: each page of a user has a button to log out', async () => {
  const visitor = await site().register('logout@example.com');
  for (const path of ['/', '/account/password', '/account/sessions', '/sudo'])
    expect((await visitor.open(path)).text).toContain('<form method="post" action="/logout">');
});

test('7.4.5: an administrator destroys the sessions of a user', async () => {
  const visitor = await site().register('ended@example.com');
  const sessions = await open(join(site().directory, 'data', 'sessions'));
  const record = await sessions.read(partsOf(visitor.cookie).key);
  await sessions.close();
  const sandbox = new Sandbox();
  const args = ['sessions', 'destroy', '--env', site().directory, '--user', record?.owner ?? '', '--yes', '--json'];
  const ended = await sandbox.sessapp(args);
  expect(ended).toMatchObject({ exitCode: 0 });
  expect(await visitor.user()).toBeUndefined();
});

test('7.5.1: no session can change the password without the current one', async () => {
  const visitor = await site().register('sensitive@example.com');
  await visitor.send('/sudo', { password });
  expect((await visitor.send('/account/password', { password: changed })).status).toBe(422);
});

test('7.5.2: users see and end their sessions, if they entered the password in the last ten minutes', async () => {
  const visitor = await site().register('devices@example.com');
  const other = await site().logIn('devices@example.com');
  const { text } = await visitor.open('/account/sessions');
  const [, ref = ''] = [...text.matchAll(/name="ref" value="([^"]*)"/g)].map(([, found]) => found);
  await visitor.send('/account/sessions/end', { ref });
  expect(await other.user()).toBeUndefined();
});

test('7.5.3: a sensitive page asks for the password again, and is not shown to an old session', async () => {
  const visitor = await site().register('sudo@example.com');
  const sessions = await open(join(site().directory, 'data', 'sessions'));
  const found = await sessions.read(partsOf(visitor.cookie).key);
  if (!found) throw new Error('there is no session');
  const { key, version, ...record } = found;
  await sessions.update(key, version, {
    ...record,
    data: JSON.stringify({ ...JSON.parse(record.data), confirmedAtMs: 0 }),
  });
  await sessions.close();
  expect((await visitor.open('/account/sessions')).location).toContain('/sudo');
  expect((await visitor.send('/account/sessions/end', { ref: 'others' })).location).toContain('/sudo');
});

test('11.4.2: passwords are stored with scrypt or argon2id, a separate salt, and the cost that OWASP recommends', async () => {
  await register(password, 'salt1@example.com');
  await register(password, 'salt2@example.com');
  const data = await readFile(join(site().directory, 'data', 'accounts', 'data.mdb'), 'latin1');
  const hashes = new Set(data.match(/\$(scrypt|argon2id)\$[^\s"]{60,100}/g));
  expect(hashes.size).toBeGreaterThan(1);
  const sandbox = new Sandbox();
  await sandbox.sessapp(['init', 'shop', '--template', 'accounts', '--no-install']);
  const cost = await readFile(sandbox.path('shop', 'app', 'passwords', 'cost.js'), 'utf8');
  expect(cost).toContain('{ m: 19_456, t: 2, p: 1 }');
  expect(cost).toContain('{ ln: 15, r: 8, p: 3 }');
});

test('16.3.1: logins, wrong passwords and password changes are logged', async () => {
  const visitor = await site().register('log@example.com');
  await wrongLogin('log@example.com');
  await visitor.send('/account/password', { current: password, password: changed });
  for (const line of ['a user logged in', 'a wrong password was given', 'a password was changed'])
    await waitFor(() => site().output().includes(line));
});

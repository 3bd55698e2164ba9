import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { password, shareSite } from './accounts-site.ts';

const site = shareSite();

test('the link from the log and the password create an account, and log its user in', async () => {
  const visitor = site().visitor();
  const sent = await visitor.send('/register', { name: 'Ann', email: 'ann@example.com', password });
  expect([sent.status, sent.text]).toEqual([200, expect.stringContaining('We have sent a link to ann@example.com')]);
  expect(await visitor.user()).toBeUndefined();
  const [link = ''] = await site().linksTo('ann@example.com');
  expect((await visitor.open(link)).text).toContain('To confirm ann@example.com');
  expect(await visitor.send(link, { password })).toMatchObject({ status: 303, location: '/' });
  expect(await visitor.user()).toBe('Ann');
});

test('there is no account until the link was opened and the password entered', async () => {
  const visitor = site().visitor();
  await visitor.send('/register', { name: 'Eve', email: 'victim@example.com', password });
  const [link = ''] = await site().linksTo('victim@example.com');
  expect((await visitor.send('/login', { email: 'victim@example.com', password })).status).toBe(422);
  // A person who gets the mail but did not register does not know the password.
  const victim = site().visitor();
  expect((await victim.send(link, { password: 'something else' })).text).toContain('The password is wrong.');
  expect(await victim.user()).toBeUndefined();
  expect((await visitor.send('/login', { email: 'victim@example.com', password })).status).toBe(422);
});

test('a link creates one account, even if it is used several times at the same time', async () => {
  await site().visitor().send('/register', { name: 'Bob', email: 'bob@example.com', password });
  const [link = ''] = await site().linksTo('bob@example.com');
  const pages = await Promise.all(Array.from({ length: 8 }, () => site().visitor().send(link, { password })));
  expect(pages.map(({ status }) => status).sort()).toEqual([303, ...Array(7).fill(410)]);
  expect((await site().visitor().open(link)).text).toContain('This link does not work');
});

test('of two registrations with one email address, the first that is confirmed creates the account', async () => {
  for (const name of ['Cem', 'Other'])
    await site().visitor().send('/register', { name, email: 'cem@example.com', password });
  const [first = '', second = ''] = await site().linksTo('cem@example.com', 2);
  const visitor = site().visitor();
  expect((await visitor.send(first, { password })).status).toBe(303);
  expect((await site().visitor().send(second, { password })).status).toBe(410);
  expect(await visitor.user()).toBe('Cem');
});

test('an email address that already has an account gets a different mail, and the page is the same', async () => {
  await site().register('dora@example.com');
  const pageFor = async (email: string) => {
    const { status, text } = await site().visitor().send('/register', { name: 'Eve', email, password });
    return [status, text.replaceAll(email, '')];
  };
  expect(await pageFor('dora@example.com')).toEqual(await pageFor('nobody@example.com'));
  const [, link = ''] = await site().linksTo('dora@example.com', 2);
  expect(link).toMatch(/^\/reset\//);
  expect(site().output()).toMatch(/mail to dora@example.com: You already have an account: /);
  expect((await site().visitor().open(link)).text).toContain('New password');
});

test('capital letters and surrounding spaces in an email address are ignored', async () => {
  await site().register('erik@example.com');
  const visitor = await site().logIn('  Erik@Example.COM ');
  expect(await visitor.user()).toBe('Ann');
});

test.each([
  ['a password of 14 characters', { password: 'fourteen chars' }, 'fewer than 15'],
  ['a password of 14 characters that are two units each', { password: '\u{1F40E}'.repeat(14) }, 'fewer than 15'],
  ['a password of 257 characters', { password: 'x'.repeat(257) }, 'more than 256'],
  ['a common password', { password: 'qwertyuiopasdfgh' }, 'Many people use'],
  ['a common password in capitals', { password: 'QWERTYUIOPasdfgh' }, 'Many people use'],
  [
    'the email address as password',
    { email: 'frida@example.com', password: 'Frida@example.com' },
    'your email address',
  ],
  ['no email address', { email: 'frida' }, 'Enter an email address'],
  ['two addresses in one', { email: 'a@example.com\nBcc: b@example.com' }, 'Enter an email address'],
  ['no name', { name: ' ' }, 'Enter a name'],
  ['a name of 101 characters', { name: 'x'.repeat(101) }, 'Enter a name'],
])('%s is refused, and the form keeps every field except the password', async (_, fields, message) => {
  const form = { name: 'Frida', email: 'frida@example.com', password, ...fields };
  const { status, text } = await site().visitor().send('/register', form);
  expect([status, text]).toEqual([422, expect.stringContaining(message)]);
  expect(text).toContain('aria-invalid="true"');
  const field = (name: string) => new RegExp(`<input id="${name}"[^>]*>`).exec(text)?.[0];
  if (!('name' in fields)) expect(field('name')).toContain('value="Frida"');
  if (!('email' in fields)) expect(field('email')).toContain('value="frida@example.com"');
  expect(field('password')).not.toContain('value');
});

test.each([
  ['15 characters', 'fifteen chars..'],
  ['256 characters', 'xyz '.repeat(64)],
  ['spaces and signs alone', ' ! " # $ % & \' ( '],
  ['15 characters that are two units each', '\u{1F40E}\u{1F41F}\u{1F422}'.repeat(5)],
])('a password of %s is accepted', async (title, own) => {
  const email = `${title.replace(/\W/g, '')}@example.com`;
  await site().visitor().send('/register', { name: 'Gil', email, password: own });
  const [link = ''] = await site().linksTo(email.toLowerCase());
  expect((await site().visitor().send(link, { password: own })).status).toBe(303);
  await site().logIn(email, undefined, own);
});

test('a password matches in every Unicode normalization form', async () => {
  const composed = 'contraseña segurísima';
  await site().visitor().send('/register', { name: 'Hugo', email: 'hugo@example.com', password: composed });
  const [link = ''] = await site().linksTo('hugo@example.com');
  expect(
    (
      await site()
        .visitor()
        .send(link, { password: composed.normalize('NFD') })
    ).status,
  ).toBe(303);
});

test('no file contains a token or a password, and the log contains a token only in its mail', async () => {
  await site()
    .visitor()
    .send('/register', { name: 'Ida', email: 'ida@example.com', password: 'a secret of Ida alone' });
  const [link = ''] = await site().linksTo('ida@example.com');
  const token = link.replace('/verify/', '');
  await site().visitor().open(link);
  await site().visitor().send(link, { password: 'a secret of Ida alone' });
  const data = await readFile(join(site().directory, 'data', 'accounts', 'data.mdb'), 'latin1');
  expect(data).toContain('ida@example.com');
  expect(data).not.toContain(token);
  expect(data).not.toContain('a secret of Ida');
  expect(site().output().split(token)).toHaveLength(2);
  expect(site().output()).not.toContain('a secret of Ida');
});

test('after five mails to one address within an hour, no more are sent', async () => {
  const form = { name: 'Jan', email: 'jan@example.com', password };
  for (const _ of Array(5)) expect((await site().visitor().send('/register', form)).status).toBe(200);
  const page = await site().visitor().send('/reset', { email: 'jan@example.com' });
  expect(page.status).toBe(429);
  expect(Number(page.headers.get('Retry-After'))).toBeGreaterThan(0);
});

import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../../src/stores/embedded/index.ts';
import { finish, Sandbox } from '../support/sandbox.ts';
import { serve, startPlain } from '../support/server.ts';
import { lowerCost, password, replaceIn, Site, shareSite } from '../templates/accounts-site.ts';

const site = shareSite();
const form = { email: 'ann@example.com', password };
const env = { TRUST_PROXY: '1' };

test('two workers share accounts, links and limits', async () => {
  const { url, output } = await startPlain(new Sandbox(), site().directory, { env: { ...env, WORKERS: '2' } });
  const shared = new Site(site().directory, url, output);
  await shared.register('bob@example.com');
  // Each request uses a new connection, so that both workers get some.
  const once = { Connection: 'close' };
  for (const _ of Array(6)) await shared.logIn('bob@example.com', shared.visitor(once));
  const visitor = shared.visitor(once);
  const wrong = { email: 'bob@example.com', password: 'wrong' };
  const attempts = Array.from({ length: 16 }, () => visitor.send('/login', wrong));
  const statuses = (await Promise.all(attempts)).map(({ status }) => status).sort();
  expect(statuses).toEqual([...Array(10).fill(422), ...Array(6).fill(429)]);
});

test('an account exists after the server is killed immediately', async () => {
  const sandbox = new Sandbox();
  const { child, url, output } = await startPlain(sandbox, site().directory, { env });
  await new Site(site().directory, url, output).register('cem@example.com');
  child.kill('SIGKILL');
  await site().logIn('cem@example.com');
});

test('a server stops by itself, because the application closes everything', async () => {
  const sandbox = new Sandbox();
  const { child } = await serve(sandbox, site().directory);
  child.kill('SIGTERM');
  const { exitCode, stdout, stderr } = await finish(child);
  expect([exitCode, stdout + stderr]).toEqual([0, expect.not.stringContaining('keeps the process running')]);
});

test('when too many logins wait, some get a 503, which does not count as an attempt, and other pages are served', async () => {
  const busy = await Site.start(new Sandbox(), {
    fullCost: true,
    edit: (directory) =>
      replaceIn(join(directory, 'app', 'passwords', 'queue.js'), 'waitingLimit = 20', 'waitingLimit = 2'),
  });
  const visitor = busy.visitor();
  const logins = Array.from({ length: 10 }, () => visitor.send('/login', form));
  const home = busy.visitor().open('/');
  expect(await Promise.race([home, Promise.all(logins)])).toMatchObject({ status: 200 });
  const pages = await Promise.all(logins);
  const refused = pages.filter(({ status }) => status === 503);
  expect(refused.length).toBeGreaterThan(0);
  expect(Number(refused[0]?.headers.get('Retry-After'))).toBeGreaterThan(0);
  expect(refused[0]?.text).toContain('The server is busy');
  for (const _ of refused) expect((await visitor.send('/login', form)).status).toBe(422);
  expect((await visitor.send('/login', form)).status).toBe(429);
}, 180_000);

test('a hash with a lower cost is replaced at the next login, and the session continues', async () => {
  const visitor = await site().register(form.email);
  await lowerCost(site().directory, 6);
  const { url, output } = await startPlain(new Sandbox(), site().directory, { env });
  const stronger = new Site(site().directory, url, output);
  const tables = ['users', 'emails'] as const;
  const database = await openDatabase({ directory: join(site().directory, 'data', 'accounts'), tables });
  const hash = () => {
    const id = database.table<string>('emails').get(form.email) ?? '';
    return database.table<{ password: string }>('users').get(id)?.password;
  };
  try {
    expect(hash()).toMatch(/^\$(scrypt\$ln=4,|argon2id\$v=19\$m=8,)/);
    await stronger.logIn(form.email);
    expect(hash()).toMatch(/^\$(scrypt\$ln=6,|argon2id\$v=19\$m=8,)/);
  } finally {
    await database.close();
  }
  await stronger.logIn(form.email);
  expect(await visitor.user()).toBe('Ann');
});

test('while the store is down, requests that need it get a 503, and the other pages are served', async () => {
  const args = ['--store', 'redis', '--store-url', 'redis://127.0.0.1:1'];
  const cut = await Site.start(new Sandbox(), { args });
  for (const [path, fields] of [
    ['/login', form],
    ['/register', { ...form, name: 'Ann' }],
    ['/reset', form],
    ['/verify/x', form],
  ] as [string, Record<string, string>][]) {
    const { status, headers } = await cut.visitor().send(path, fields);
    expect([path, status, headers.get('Retry-After')]).toEqual([path, 503, '1']);
  }
  for (const path of ['/', '/login', '/register']) expect((await cut.visitor().open(path)).status).toBe(200);
});

test('without a preference for English the pages are in Korean', async () => {
  for (const headers of [{ 'Accept-Language': '*' }, { 'Accept-Language': 'ko-KR,ko;q=0.9,en;q=0.8' }]) {
    const { text, headers: responseHeaders } = await site().visitor(headers).open('/register');
    expect(text).toContain('<html lang="ko">');
    expect(text).toContain('<h1>가입</h1>');
    expect(responseHeaders.get('Vary')).toContain('Accept-Language');
  }
  expect((await site().visitor().open('/register')).text).toContain('<html lang="en">');
});

const smtp = { SMTP_URL: 'smtp://127.0.0.1:1' };
const address = { PUBLIC_URL: 'https://shop.example.com' };

test.each([
  [smtp, /SMTP_URL is set, but PUBLIC_URL is not\. Set it to/],
  [{ ...smtp, ...address }, /MAIL_FROM is not\. Set it to/],
  [
    { ...smtp, ...address, MAIL_FROM: 'shop@example.com' },
    /nodemailer is not installed\. Type: sessapp install nodemailer/,
  ],
])('with %j the server does not start, and says what is missing', async (variables, message) => {
  const started = new Sandbox().start(['serve', site().directory, '--port', '0'], { env: variables });
  const { exitCode, stderr, stdout } = await finish(started);
  expect(exitCode).toBe(1);
  expect(stdout + stderr).toMatch(message);
});

test('a setting can be in .env', async () => {
  const sandbox = new Sandbox();
  const made = await sandbox.sessapp(['init', 'shop', '--template', 'accounts']);
  expect(made.exitCode).toBe(0);
  await appendFile(sandbox.path('shop', '.env'), 'SMTP_URL=smtp://127.0.0.1:1\n');
  const { exitCode, stderr } = await finish(sandbox.start(['serve', 'shop', '--port', '0']));
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('PUBLIC_URL')]);
});

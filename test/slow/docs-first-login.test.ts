import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type Browser, createBrowser } from '../../src/testing/browser.ts';
import { type Block, expectShown, openPage } from '../support/docs.ts';
import { Reader } from '../support/reader.ts';
import { finish, repository, Sandbox } from '../support/sandbox.ts';
import { waitFor } from '../support/server.ts';
import { onTerminal, withoutTerminal } from '../support/terminal.ts';

const page = openPage('docs/first-login.md', import.meta.filename);
const password = 'correct horse battery staple';
const listOwners = { code: 'sessapp sessions list | cut -f 2' };

test('the command can be installed from a clone as the tutorial says', async () => {
  const sandbox = new Sandbox();
  expect((await finish(sandbox.spawn('git', ['clone', '--quiet', repository, '.']))).exitCode).toBe(0);
  const { code } = page.take('Your first login', 'sh');
  const prefix = { npm_config_prefix: sandbox.path('global') };
  const { exitCode, stderr } = await finish(sandbox.spawn('bash', ['-e', '-c', code], { env: prefix }));
  expect(exitCode, stderr).toBe(0);
  const installed = await finish(sandbox.spawn(sandbox.path('global', 'bin', 'sessapp'), ['--version']));
  expect(installed).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+/) });
});

test.skipIf(withoutTerminal)(
  `a reader of docs/first-login.md gets the application that it shows${withoutTerminal}`,
  async () => {
    const reader = await Reader.open(new Sandbox());
    const step = (heading: string) => ({
      type: async (): Promise<string> => reader.type(page.take(heading, 'sh')),
      write: (file: string) => writeNext(reader, heading, file),
      shows: (output: string) =>
        expectShown(reader.adapt(output), { code: reader.adapt(page.take(heading, 'text').code) }),
      insert: (below: RegExp) => insert(reader, page.take(heading, 'js'), below),
    });
    const visit = retryWhileDown(createBrowser(reader.url, Date.now));
    const read = async (path: string): Promise<string> => (await visit(path)).text();
    const until = (path: string, text: string): Promise<true> =>
      waitFor(async () => (await read(path)).includes(text), 30_000);
    const send = (path: string, fields: Record<string, string>): Promise<Response> =>
      visit(path, { method: 'POST', body: new URLSearchParams(fields) });

    const first = step('1. Make an environment');
    first.shows(await first.type());
    expect(await read('/profile')).toContain('현재 유저가 없습니다.');
    await read('/');

    const pages = step('2. Write a page');
    await pages.write('app.js');
    await until('/', '<h1>My application</h1>');
    await pages.type();
    expect(existsSync(reader.sandbox.path('myapp', 'pages.js'))).toBe(false);
    expect(await reader.type(listOwners)).toBe('guest\n');
    await pages.type();
    expect(await reader.type(listOwners)).toContain('no sessions');

    const views = step('3. Use views');
    views.shows(await views.type());
    for (const file of ['views/top.ejs', 'views/bottom.ejs', 'views/home.ejs', 'app.js']) await views.write(file);
    await until('/', '<p>Welcome.</p>');

    const login = step('4. Log in with a form');
    for (const file of ['views/login.ejs', 'app.js']) await login.write(file);
    await until('/login', '<form method="post">');
    const refused = await send('/login', { name: 'ann', password: 'wrong' });
    expect(refused.status).toBe(401);
    expect(await refused.text()).toContain('The name or the password is wrong.');
    expect(await (await send('/login', { name: 'ann', password })).text()).toContain('<p>Welcome.</p>');

    const who = step('5. Show who is logged in');
    await who.insert(/app\.use\(express\.urlencoded.*\n/);
    await who.write('views/home.ejs');
    await who.write('views/secret.ejs');
    await who.insert(/(?=}\n$)/);
    await until('/', 'You are logged in as ann.');
    expect(await read('/secret')).toContain('Only users see this, ann.');
    const stranger = createBrowser(reader.url, Date.now);
    expect(await (await stranger('/secret')).text()).toContain('Log in');

    const logout = step('6. Log out');
    await logout.write('views/home.ejs');
    await logout.insert(/(?=}\n$)/);
    await until('/', 'Log out');
    await waitFor(async () => (await (await send('/logout', {})).text()).includes('You are not logged in.'), 30_000);

    const flash = step('7. Show a message once');
    for (const file of ['app.js', 'views/top.ejs']) await flash.write(file);
    await waitFor(async () => {
      const response = await send('/login', { name: 'ann', password });
      return (await response.text()).includes('<em>You are logged in now.</em>');
    }, 30_000);
    expect(await read('/')).not.toContain('<em>');
    expect(await (await send('/logout', {})).text()).toContain('<em>You are logged out.</em>');
    expect(await read('/')).not.toContain('<em>');

    const users = step('8. Store users with hashed passwords');
    for (const file of ['users.js', 'views/register.ejs', 'app.js', 'views/home.ejs']) await users.write(file);
    await until('/register', 'new-password');
    const lengths = 'A name has 1 to 50 characters, a password 15 to 200.';
    for (const [name, length] of [
      ['ann', 14],
      ['ann', 201],
      ['', 15],
      ['a'.repeat(51), 15],
    ] as const) {
      const response = await send('/register', { name, password: 'x'.repeat(length) });
      expect(response.status).toBe(400);
      expect(await response.text()).toContain(lengths);
    }
    expect(await (await send('/register', { name: 'ann', password })).text()).toContain(
      '<em>You are logged in now.</em>',
    );
    expect((await send('/register', { name: 'ann', password })).status).toBe(409);
    await send('/logout', {});
    expect(await read('/')).toContain('You are not logged in.');
    for (const fields of [{ name: 'ann', password: 'wrong but long enough' }, { name: 'bob', password }, {}])
      expect((await send('/login', fields as Record<string, string>)).status).toBe(401);
    expect(await (await send('/login', { name: 'ann', password })).text()).toContain('You are logged in as ann.');

    const files = step('9. Add a style and a script');
    for (const file of ['public/style.css', 'public/logout.js']) await files.write(file);
    await files.insert(/app\.set\('views'.*\n/);
    await files.write('views/top.ejs');
    await until('/', '<script src="/logout.js" defer></script>');
    await until('/style.css', 'max-width');
    await until('/logout.js', 'Do you want to log out?');

    const policy = step('10. Limit what the browser loads');
    policy.shows(await policy.type());
    await policy.write('server.js');
    await waitFor(
      async () => (await visit('/')).headers.get('Content-Security-Policy')?.includes('images.example.com'),
      30_000,
    );
    policy.shows(await policy.type());

    const other = step('11. Forms on other sites');
    other.shows(await other.type());

    const look = step('12. Look at the sessions');
    const { code: list } = page.take('12. Look at the sessions', 'sh');
    const environment = reader.sandbox.path('myapp');
    const words = list.trim().split(' ').slice(1);
    look.shows((await onTerminal(reader.sandbox, [...words, '-e', environment], [])).stdout);
    expect(await read('/')).toContain('You are logged in as ann.');
    await look.type();
    expect(await read('/')).toContain('You are not logged in.');
    expect(await look.type()).toMatch(/http:\/\/127\.0\.0\.1:\d+\/#/);
    await reader.interrupt();
    expect(await reader.interrupt()).toContain('Stopped.');
  },
);

/** A browser that waits while the server restarts. */
function retryWhileDown(visit: Browser): Browser {
  return (path, init) => waitFor(() => visit(path, init).catch(() => undefined), 30_000);
}

async function writeNext(reader: Reader, heading: string, file: string): Promise<void> {
  const block = page.take(heading);
  expect(block.file).toBe(file);
  await reader.write(block, 'myapp');
}

/** Inserts a block into app.js at the place that the page names. */
async function insert(reader: Reader, { code, file }: Block, below: RegExp): Promise<void> {
  expect(file).toBeUndefined();
  const path = reader.sandbox.path('myapp', 'app.js');
  const before = await readFile(path, 'utf8');
  expect(before).toMatch(below);
  await writeFile(
    path,
    before.replace(below, (found) => `${found}${found.endsWith('\n') ? '' : '\n'}${code}`),
  );
}

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { finish, Sandbox } from '../support/sandbox.ts';
import { startPlain } from '../support/server.ts';
import { type RunningStore, sharedStores } from '../support/shared-stores.ts';
import { password, Site } from '../templates/accounts-site.ts';

const wrong = 'not the right password';
const env = { TRUST_PROXY: '1' };

describe.each(sharedStores)('accounts on $title', ({ store, missing, start }) => {
  const sandbox = new Sandbox(afterAll);
  let running: RunningStore;
  let site: Site;
  let second: Site;

  beforeAll(async () => {
    if (missing) return;
    running = await start();
    const args = ['--store', store];
    // The URL contains a password, which must not be on a command line.
    const variables = running.url ? { STORE_URL: running.url.href } : {};
    site = await Site.start(sandbox, { args, env: variables });
    const { url, output } = await startPlain(sandbox, site.directory, { env: { ...env, ...variables } });
    second = new Site(site.directory, url, output);
  });
  afterAll(() => running?.remove());

  test.skipIf(missing)('two servers share accounts, sessions and limits', async () => {
    const visitor = await site.register('ann@example.com');
    const other = await second.logIn('ann@example.com');
    await second.visitor().send('/reset', { email: 'ann@example.com' });
    const [link = ''] = await second.linksTo('ann@example.com');
    expect((await site.visitor().send(link, { password: 'another horse battery' })).status).toBe(303);
    expect([await visitor.user(), await other.user()]).toEqual([undefined, undefined]);
    expect((await second.visitor().send('/login', { email: 'ann@example.com', password })).status).toBe(422);
    await second.logIn('ann@example.com', undefined, 'another horse battery');
  });

  test.skipIf(missing)('a link works once, even if it is sent to several servers at the same time', async () => {
    const email = 'bob@example.com';
    await site.visitor().send('/register', { name: 'Bob', email, password });
    const [verify = ''] = await site.linksTo(email);
    const everywhere = (path: string, secret: string) =>
      Promise.all([site, second, site, second].map((each) => each.visitor().send(path, { password: secret })));
    const verified = await everywhere(verify, password);
    expect(verified.map(({ status }) => status).sort()).toEqual([303, 410, 410, 410]);
    await site.visitor().send('/reset', { email });
    const [, reset = ''] = await site.linksTo(email, 2);
    const changed = await everywhere(reset, 'another horse battery');
    expect(changed.map(({ status }) => status).sort()).toEqual([303, 410, 410, 410]);
  });

  test.skipIf(missing)('only one of several concurrent registrations of an address creates the account', async () => {
    const email = 'cem@example.com';
    for (const name of ['One', 'Two', 'Three', 'Four'])
      await site.visitor().send('/register', { name, email, password });
    const links = await site.linksTo(email, 4);
    const pages = await Promise.all(
      links.map((link, n) => (n % 2 === 0 ? site : second).visitor().send(link, { password })),
    );
    expect(pages.map(({ status }) => status).sort()).toEqual([303, 410, 410, 410]);
    const names = await Promise.all([site.logIn(email), second.logIn(email)].map(async (each) => (await each).user()));
    expect(names[0]).toBe(names[1]);
  });

  test.skipIf(missing)('concurrent attempts at several servers share one limit', async () => {
    const email = 'dora@example.com';
    await site.register(email);
    const headers = { 'X-Forwarded-For': '192.0.2.1' };
    const attempts = Array.from({ length: 24 }, (_, n) =>
      (n % 2 === 0 ? site : second).visitor(headers).send('/login', { email, password: wrong }),
    );
    const statuses = (await Promise.all(attempts)).map(({ status }) => status).sort();
    expect(statuses).toEqual([...Array(10).fill(422), ...Array(14).fill(429)]);
    expect((await second.visitor(headers).send('/login', { email, password })).status).toBe(429);
    await second.logIn(email);
  });

  test.skipIf(missing)('the sessions of both servers are listed, and can be ended', async () => {
    const email = 'erik@example.com';
    const visitor = await site.register(email);
    const other = await second.logIn(email);
    const { text } = await visitor.open('/account/sessions');
    expect(text.match(/class="device"/g)).toHaveLength(2);
    await visitor.send('/account/sessions/end', { ref: 'others' });
    expect([await visitor.user(), await other.user()]).toEqual(['Ann', undefined]);
  });

  test.skipIf(missing)('the server stops by itself, because the application closes everything', async () => {
    const variables = running.url ? { STORE_URL: running.url.href } : {};
    const { child } = await startPlain(sandbox, site.directory, { env: { ...env, ...variables } });
    const ended = finish(child);
    child.kill('SIGTERM');
    const { exitCode, stdout } = await ended;
    expect([exitCode, stdout]).toEqual([0, expect.not.stringContaining('keeps the process running')]);
  });

  test.skipIf(missing)('a TypeScript environment passes its own check, and registers a user', async () => {
    const typed = new Sandbox();
    const args = ['--store', store, '--typescript', '--node', '24'];
    const made = await typed.sessapp(['init', 'shop', '--template', 'accounts', ...args]);
    expect(made).toMatchObject({ exitCode: 0 });
    const checked = await finish(typed.spawn('npm', ['run', 'check'], { cwd: typed.path('shop') }));
    expect(checked).toMatchObject({ exitCode: 0 });
    const command = [join(typed.path('shop'), 'bin', 'node'), 'server.ts'] as [string, string];
    const variables = running.url ? { STORE_URL: running.url.href } : {};
    const options = { cwd: typed.path('shop'), env: { ...env, ...variables } };
    const { url, output } = await startPlain(typed, typed.path('shop'), options, command);
    const served = new Site(typed.path('shop'), url, output);
    expect(await (await served.register('frida@example.com')).user()).toBe('Ann');
  });
});

import { describe, expect, test } from 'vitest';
import type { Browser } from '../../src/testing/browser.ts';
import { installEcosystem, libraries, startApplication } from '../support/ecosystem.ts';

installEcosystem();

const form = (fields: Record<string, string>): RequestInit => ({ method: 'POST', body: new URLSearchParams(fields) });
const post: RequestInit = { method: 'POST' };

async function readJson(browser: Browser, path = '/', init: RequestInit = {}): Promise<unknown> {
  return (await browser(path, init)).json();
}

async function readText(browser: Browser, path: string, init: RequestInit = {}): Promise<string> {
  return (await browser(path, init)).text();
}

describe.each(libraries)('with %s', (library) => {
  describe('passport and passport-local', () => {
    const right = form({ username: 'ann', password: 'right' });

    test('log a user in, under a new id, and out', async () => {
      const app = await startApplication('passport', library);
      const ann = app.browser();
      await ann('/cart', form({ item: 'a book' }));
      const before = await ann('/', { redirect: 'manual' });
      expect(await before.json()).toEqual({ isAuthenticated: false, cart: 'a book' });
      const login = await ann('/login', { ...right, redirect: 'manual' });
      const cookie = login.headers.get('Set-Cookie')?.split(';')[0] ?? '';
      expect(cookie).toMatch(/^connect\.sid=/);
      expect(await readJson(ann)).toEqual({ isAuthenticated: true, user: 'ann' });
      expect(await readJson(ann, '/logout', post)).toEqual({ isAuthenticated: false });
      expect(await readJson(app.browser(), '/', { headers: { Cookie: cookie } })).toEqual({ isAuthenticated: false });
    });

    test('keep the session data with keepSessionInfo, under a new id', async () => {
      const app = await startApplication('passport', library);
      const ann = app.browser();
      const visit = await ann('/cart', form({ item: 'a book' }));
      const cookie = visit.headers.get('Set-Cookie')?.split(';')[0] ?? '';
      const loggedIn = { isAuthenticated: true, user: 'ann', cart: 'a book' };
      expect(await readJson(ann, '/login-with-cart', right)).toEqual(loggedIn);
      expect(await readJson(ann)).toEqual(loggedIn);
      expect(await readJson(app.browser(), '/', { headers: { Cookie: cookie } })).toEqual({ isAuthenticated: false });
    });

    test('show the message of a failed login once', async () => {
      const app = await startApplication('passport', library);
      const ann = app.browser();
      const wrong = form({ username: 'ann', password: 'wrong' });
      const failed = { isAuthenticated: false, messages: ['Wrong password'] };
      expect(await readJson(ann, '/login', wrong)).toEqual(failed);
      expect(await readJson(ann)).toEqual({ isAuthenticated: false });
      expect(await readJson(ann, '/login', right)).toEqual({ isAuthenticated: true, user: 'ann' });
    });
  });

  test('a todo list behind passport returns to the requested page, and shows each user their own list', async () => {
    const app = await startApplication('todo-list', library);
    const [ann, bob] = [app.browser(), app.browser()];
    expect(await readText(ann, '/todos?show=all')).toMatch(/^<form/);
    expect(await readText(ann, '/login', form({ username: 'ann', password: 'no' }))).toMatch(/^Wrong password\.<form/);
    expect(await readText(ann, '/login')).toMatch(/^<form/);
    const login = await ann('/login', form({ username: 'ann', password: 'right' }));
    expect([new URL(login.url).search, await login.text()]).toEqual(['?show=all', '<h1>ann</h1><ul></ul>']);
    for (const text of ['milk', 'bread']) await ann('/todos', form({ text }));
    expect(await readText(ann, '/todos/0/done', post)).toBe('<h1>ann</h1><ul><li>bread</li></ul>');
    await bob('/login', form({ username: 'bob', password: 'right' }));
    expect(await readText(bob, '/todos')).toBe('<h1>bob</h1><ul></ul>');
    await ann('/logout', post);
    expect(await readText(ann, '/todos')).toMatch(/^<form/);
    expect(await readText(bob, '/todos')).toBe('<h1>bob</h1><ul></ul>');
  });

  test('express-openid-connect logs in with a code, and the session keeps the cart', async () => {
    const provider = await startApplication('provider', library);
    const app = await startApplication('express-openid-connect', library, { PROVIDER: provider.url });
    const ann = app.browser();
    await ann('/cart/book', post);
    expect(await readJson(ann, '/login')).toEqual({ userId: 'ann', provider: 'ann', cart: 'book' });
    expect(await readJson(ann)).toEqual({ userId: 'ann', provider: 'ann', cart: 'book' });
    expect(await readJson(ann, '/logout', post)).toEqual({});
  });

  test('express-openid-connect logs in with form_post', async () => {
    const provider = await startApplication('provider', library);
    const env = { PROVIDER: provider.url, RESPONSE_MODE: 'form_post' };
    const app = await startApplication('express-openid-connect', library, env);
    const ann = app.browser();
    await ann('/cart/book', post);
    const page = await readText(ann, '/login');
    const fields = [...page.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]);
    const [, action = ''] = /action="([^"]*)"/.exec(page) ?? [];
    const loggedIn = { userId: 'ann', provider: 'ann', cart: 'book' };
    expect(await readJson(ann, action, form(Object.fromEntries(fields)))).toEqual(loggedIn);
    expect(await readJson(ann)).toEqual(loggedIn);
    expect(await readJson(ann, '/logout', post)).toEqual({});
  });

  test('grant keeps the state of a login in the session, and refuses the callback of another session', async () => {
    const provider = await startApplication('provider', library);
    const app = await startApplication('grant', library, { PROVIDER: provider.url });
    const [ann, bob] = [app.browser(), app.browser()];
    expect(await readJson(ann, '/connect/local')).toEqual({ userId: 'ann' });
    expect(await readJson(ann)).toEqual({ userId: 'ann' });
    await bob('/connect/local', { redirect: 'manual' });
    const foreign = await bob('/connect/local/callback?code=x&state=of-another');
    expect([foreign.status, await foreign.json()]).toMatchObject([401, { error: expect.stringContaining('state') }]);
    expect(await readJson(ann, '/logout', { ...post, redirect: 'manual' }).catch(() => 'no body')).toBe('no body');
    expect(await readJson(ann)).toEqual({});
  });
});

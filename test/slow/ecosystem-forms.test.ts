import { describe, expect, test } from 'vitest';
import type { Browser } from '../../src/testing/browser.ts';
import { installEcosystem, libraries, startApplication } from '../support/ecosystem.ts';

installEcosystem();

const post: RequestInit = { method: 'POST' };

describe.each(libraries)('with %s', (library) => {
  test('connect-flash shows the messages of a form once, after the redirect', async () => {
    const app = await startApplication('connect-flash', library);
    const [ann, bob] = [app.browser(), app.browser()];
    const send = async (name: string) => (await ann('/', { ...post, body: new URLSearchParams({ name }) })).text();
    const view = async (browser: Browser) => (await browser('/')).text();
    expect(await send('Al')).toMatch(/^<p>The name is too short\. Try again\.<\/p>.* value="Al">/);
    expect(await view(ann)).toMatch(/^<p><\/p>.* value="">/);
    expect(await send('Ann')).toMatch(/^<p>Thank you\.<\/p>.* value="">/);
    expect(await view(bob)).toMatch(/^<p><\/p>/);
    expect(await view(ann)).toMatch(/^<p><\/p>/);
  });

  test.each(['csrf-csrf', 'csrf-sync', 'lusca'])(
    '%s accepts a token only in its session, and only until the login',
    async (name) => {
      const app = await startApplication(name, library, { NODE_ENV: 'test' });
      const [ann, bob] = [app.browser(), app.browser()];
      const readToken = async (browser: Browser) => (await browser('/token')).text();
      const send = async (browser: Browser, path: string, token?: string): Promise<number> => {
        const headers = token === undefined ? {} : { 'X-CSRF-Token': token };
        return (await browser(path, { ...post, headers })).status;
      };
      const [tokenOfAnn, tokenOfBob] = [await readToken(ann), await readToken(bob)];
      expect(await send(ann, '/login/ann')).toBe(403);
      expect(await send(ann, '/login/ann', tokenOfBob)).toBe(403);
      expect(await send(ann, '/login/ann', tokenOfAnn)).toBe(200);
      expect(await send(ann, '/rename/eve', tokenOfAnn)).toBe(403);
      expect(await (await ann('/profile')).text()).toBe('ann');
      const next = await readToken(ann);
      expect(await send(ann, '/rename/anna', next)).toBe(200);
      expect(await send(ann, '/rename/anna', next)).toBe(200);
      expect(await (await ann('/profile')).text()).toBe('anna');
      expect(await (await bob('/profile')).text()).toBe('nobody');
    },
  );

  test('multer accepts files, and the session keeps their names', async () => {
    const app = await startApplication('multer', library);
    const ann = app.browser();
    const upload = async (...files: [name: string, size: number][]): Promise<unknown> => {
      const body = new FormData();
      for (const [name, size] of files) body.append('files', new Blob(['x'.repeat(size)]), name);
      return (await ann('/files', { ...post, body })).json();
    };
    const [small, large] = [
      { name: 'a.txt', size: 3 },
      { name: 'b.txt', size: 300_000 },
    ];
    expect(await upload(['a.txt', 3])).toEqual([small]);
    expect(await upload(['b.txt', 300_000], ['a.txt', 3])).toEqual([small, large, small]);
    expect(await (await app.browser()('/files')).json()).toEqual([]);
  });
});

import { describe, expect, test } from 'vitest';
import type { Browser } from '../../src/testing/browser.ts';
import { installEcosystem, libraries, startApplication } from '../support/ecosystem.ts';

installEcosystem();

const post: RequestInit = { method: 'POST' };

// Next.js returns a page, the others a word.
const who = (text: string): string => /<p>(\w+)/.exec(text)?.[1] ?? text;
const readUser = async (browser: Browser, headers: Record<string, string> = {}): Promise<string> =>
  who(await (await browser('/profile', { headers })).text());

// Next.js takes ten seconds: once is enough.
const frameworks = ['express-5', 'express-4', 'connect', 'nestjs', 'fastify', 'polka'];

describe.each(libraries)('with %s', (library) => {
  test.each(library === 'sessapp/session' ? [...frameworks, 'nextjs'] : frameworks)(
    'in %s a user logs in, later requests see the user, and the user logs out',
    async (name) => {
      const app = await startApplication(name, library);
      const [ann, bob] = [app.browser(), app.browser()];
      const visited = await ann('/profile');
      expect([who(await visited.text()), visited.headers.getSetCookie()]).toEqual(['nobody', []]);
      const login = await ann('/login/ann', post);
      const cookie = login.headers.get('Set-Cookie')?.split(';')[0] ?? '';
      expect([login.ok, cookie]).toEqual([true, expect.stringMatching(/^connect\.sid=/)]);
      await bob('/login/bob', post);
      expect([await readUser(ann), await readUser(bob)]).toEqual(['ann', 'bob']);
      expect(await (await ann('/logout', post)).text()).toBe('out');
      expect([await readUser(ann), await readUser(bob)]).toEqual(['nobody', 'bob']);
      expect(await readUser(app.browser(), { Cookie: cookie })).toBe('nobody');
    },
  );
});

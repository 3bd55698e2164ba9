import { describe, expect, test } from 'vitest';
import { installEcosystem, libraries, startApplication } from '../support/ecosystem.ts';

installEcosystem();

describe.each(libraries)('with %s', (library) => {
  test.each(['express-5', 'express-4', 'connect', 'nestjs', 'fastify', 'polka'])(
    'in %s a user logs in, is known, and logs out',
    async (name) => {
      const app = await startApplication(name, library);
      const [ann, bob] = [app.browser(), app.browser()];
      const visited = await ann('/profile');
      expect([await visited.text(), visited.headers.getSetCookie()]).toEqual(['nobody', []]);
      const login = await ann('/login/ann', { method: 'POST' });
      const cookie = login.headers.get('Set-Cookie') ?? '';
      expect([login.ok, cookie]).toEqual([true, expect.stringMatching(/^connect\.sid=/)]);
      await bob('/login/bob', { method: 'POST' });
      expect(await (await ann('/profile')).text()).toBe('ann');
      expect(await (await bob('/profile')).text()).toBe('bob');
      expect(await (await ann('/logout', { method: 'POST' })).text()).toBe('out');
      expect(await (await ann('/profile')).text()).toBe('nobody');
      const stolen = await app.browser()('/profile', { headers: { Cookie: cookie.split(';')[0] ?? '' } });
      expect(await stolen.text()).toBe('nobody');
      expect(await (await bob('/profile')).text()).toBe('bob');
      expect(app.errors()).toBe('');
    },
  );
});

import { expect, test } from 'vitest';
import { dayMs, minuteMs, type Site, type SiteOptions, startSite } from './support.ts';

/** A site whose login puts the data of its query into the session. */
async function startLogin(options: SiteOptions = {}): Promise<Site & { login(data: object): Promise<string> }> {
  const site = await startSite((app) => {
    app.get('/login', (req, res) => {
      Object.assign(req.session, JSON.parse(String(req.query.data)));
      res.send();
    });
  }, options);
  const login = async (data: object) =>
    (await site.request(`/login?data=${encodeURIComponent(JSON.stringify(data))}`)).cookie;
  return { ...site, login };
}

async function ownerOf(data: object, options?: SiteOptions): Promise<[owner: string | undefined, idleMs: number]> {
  const site = await startLogin(options);
  await site.login(data);
  const [record] = await site.records();
  return [record?.owner, (record?.expiresAtMs ?? 0) - site.clock.now];
}

test.each<[object, string]>([
  [{ userId: 'ann' }, 'ann'],
  [{ userId: 7 }, '7'],
  [{ userId: 0 }, '0'],
  [{ userId: '', username: 'ann' }, 'ann'],
  [{ user: 'ann' }, 'ann'],
  [{ user: { id: 7 } }, '7'],
  [{ user: { name: 'Ann', _id: '65f0c0ffee' } }, '65f0c0ffee'],
  [{ user: { id: null, sub: 'auth0|7' } }, 'auth0|7'],
  [{ user: { id: '', email: 'ann@example.com' } }, 'ann@example.com'],
  [{ userId: { id: 7 } }, '7'],
  [{ passport: { user: 7 } }, '7'],
  [{ passport: { user: { id: 7, username: 'ann' } } }, '7'],
  [{ passport: { user: { username: 'ann' } } }, 'ann'],
  [{ user: { theme: 'dark' }, passport: { user: 'ann' } }, 'ann'],
  [{ userId: 'x'.repeat(255) }, 'x'.repeat(255)],
])('the owner of a session with %j is %s, and it has the lifetime of a session with an owner', async (data, owner) => {
  expect(await ownerOf(data)).toEqual([owner, dayMs]);
});

test.each([
  { theme: 'dark' },
  { userId: '' },
  { userId: true },
  { userId: ['ann'] },
  { user: {} },
  { user: { id: { id: 7 } } },
])('a session with %j has no owner', async (data) => {
  expect(await ownerOf(data)).toEqual([undefined, 30 * minuteMs]);
});

test('different users are different owners, however long their names are and whatever they contain', async () => {
  const site = await startLogin();
  const long = 'x'.repeat(255);
  const names = [`${long}y`, `${long}z`, 'x\ud83d', 'x\ud83e', '\ud83d\ude00', '\ud83d\ude01', '한글'.repeat(127)];
  for (const userId of names) await site.login({ userId });
  const owners = (await site.records()).map(({ owner = '' }) => owner);
  expect(new Set(owners).size).toBe(names.length);
  // A name that looks like a hash gives no access to the sessions of another user.
  const [hash = ''] = owners.filter((owner) => owner.startsWith('sha256:'));
  await site.login({ userId: hash });
  expect((await site.records()).filter(({ owner }) => owner === hash)).toHaveLength(1);
});

test.each<[object, string]>([
  [{ account: { name: 'Ann' } }, 'account'],
  [{ user: { name: 'Ann' } }, 'user'],
  [{ passport: { user: { name: 'Ann' } } }, 'passport'],
  [{ user_id: 7 }, 'user_id'],
  [{ isLoggedIn: true }, 'isLoggedIn'],
  [{ email: 'ann@example.com' }, 'email'],
])('in development, a login that stores %j logs one warning', async (data, key) => {
  const site = await startLogin({ isDevelopment: true });
  for (let n = 0; n < 2; n += 1) await site.login(data);
  expect(site.log).toEqual([
    { level: 'warn', detail: { key }, message: expect.stringContaining('Set req.session.userId at login') },
  ]);
  expect(JSON.stringify(site.log)).not.toMatch(/Ann|ann@/);
});

test.each([
  { userId: 7 },
  { user: { id: 7 } },
  { passport: {} },
  { isLoggedIn: false },
  { userAgent: 'x', theme: 'y' },
])('in development, a session with %j logs no warning', async (data) => {
  const site = await startLogin({ isDevelopment: true });
  await site.login(data);
  expect(site.log).toEqual([]);
});

test('production logs no warning', async () => {
  const site = await startLogin();
  await site.login({ account: { name: 'Ann' } });
  expect(site.log).toEqual([]);
});

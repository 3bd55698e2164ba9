import type { Express } from 'express';
import { describe, expect, test } from 'vitest';
import type { Driver } from '../../src/stores/driver.ts';
import { dayMs, gate, type Site, startSite } from './support.ts';

/** Tests what handlers can do with the sessions of a user, for one store. */
export function describeUserSessions(title: string, open: () => Promise<Driver>): void {
  describe(`the sessions of a user, on ${title}`, () => {
    const start = async (): Promise<Site> => startSite(routes, { driver: await open() });
    const owners = async (site: Site): Promise<unknown[]> => (await site.records()).map(({ owner }) => owner).sort();

    test('endOthers destroys all other sessions of the owner, and no session of another owner', async () => {
      const site = await start();
      const [phone, laptop, bob, nobody] = [site.browser(), site.browser(), site.browser(), site.browser()];
      for (const browse of [phone, laptop]) await browse('/login?userId=ann');
      await site.request('/login?userId=ann');
      await bob('/login?userId=anna');
      await nobody('/note');
      expect((await laptop('/end-others')).body).toBe('2');
      expect((await laptop('/show')).body).toBe('ann');
      expect((await phone('/show')).body).toBe('nobody');
      expect((await bob('/show')).body).toBe('anna');
      expect(await owners(site)).toEqual(['ann', 'anna', undefined]);
      expect((await laptop('/end-others')).body).toBe('0');
    });

    test('endOthers uses an owner that is not saved yet, and takes effect even if it is not awaited', async () => {
      const site = await start();
      for (let n = 0; n < 3; n += 1) await site.request('/login?userId=ann');
      const browse = site.browser();
      expect((await browse('/login-alone?userId=ann')).status).toBe(200);
      expect(await owners(site)).toEqual(['ann']);
      expect((await browse('/show')).body).toBe('ann');
    });

    test('a slow request does not restore a session that another session destroyed', async () => {
      const site = await start();
      const [slow, other] = [site.browser(), site.browser()];
      for (const browse of [slow, other]) await browse('/login?userId=ann');
      const pending = slow('/slow');
      await began.opened;
      await other('/end-others');
      goOn.open();
      await pending;
      expect((await site.records()).length).toBe(1);
      expect((await slow('/show')).body).toBe('nobody');
    });

    test('a page lists the sessions of a user, and destroys one or all of them', async () => {
      const site = await start();
      const [phone, laptop] = [site.browser(), site.browser()];
      await phone('/login?userId=ann&device=phone');
      await laptop('/login?userId=ann&device=laptop');
      await site.request('/login?userId=bob');
      const list = JSON.parse((await laptop('/list?userId=ann')).body);
      const byDevice = (device: string) =>
        list.find((entry: { data: object }) => Reflect.get(entry.data, 'device') === device);
      expect(list).toHaveLength(2);
      expect(byDevice('laptop')).toMatchObject({ isThis: true, data: { userId: 'ann' } });
      expect(byDevice('phone')).toMatchObject({ isThis: false });
      expect(new Date(byDevice('phone').expiresAt).getTime()).toBe(site.clock.now + dayMs);
      expect((await laptop(`/end-one?userId=ann&ref=${encodeURIComponent(byDevice('phone').ref)}`)).body).toBe('1');
      expect((await phone('/show')).body).toBe('nobody');
      expect((await laptop('/show')).body).toBe('ann');
      expect((await site.request('/end-all?userId=ann')).body).toBe('1');
      expect(await owners(site)).toEqual(['bob']);
    });

    test.each([7, { id: 7 }, 'x'.repeat(300), 'x\ud83d'])('the owner may be %j', async (userId) => {
      const site = await start();
      const json = encodeURIComponent(JSON.stringify(userId));
      for (let n = 0; n < 2; n += 1) await site.request(`/login-json?userId=${json}`);
      await site.request('/login?userId=x');
      expect(JSON.parse((await site.request(`/list-json?userId=${json}`)).body)).toHaveLength(2);
      expect((await site.request(`/end-json?userId=${json}`)).body).toBe('2');
      expect(await owners(site)).toEqual(['x']);
    });

    test('all, length and clear of the store work as with express-session', async () => {
      const site = await start();
      for (const name of ['ann', 'bob', 'cid']) await site.request(`/login?userId=${name}`);
      const expired = site.browser();
      await expired('/brief');
      site.clock.now += 2000;
      const [one] = JSON.parse((await site.request('/all')).body) as [{ cookie: object }];
      expect(one.cookie).toMatchObject({ originalMaxAge: dayMs, expires: expect.any(String) });
      expect((await site.request('/all-names')).body).toBe('["ann","bob","cid"]');
      expect((await site.request('/length')).body).toBe('3');
      expect((await site.request('/change-all')).body).toBe('[null,null,null]');
      expect((await site.request('/all-counts')).body).toBe('[5,5,5]');
      expect((await site.request('/clear')).body).toBe('null');
      expect((await site.request('/length')).body).toBe('0');
    });

    test('hundreds of sessions of a user are destroyed', async () => {
      const site = await start();
      const times = { createdAtMs: site.clock.now, seenAtMs: site.clock.now, expiresAtMs: site.clock.now + dayMs };
      const records = Array.from({ length: 350 }, (_, n) => ({
        data: '{}',
        ...times,
        owner: n % 7 === 0 ? 'bob' : 'ann',
      }));
      await Promise.all(records.map((record, n) => site.driver.create(`key${n}`, record)));
      expect((await site.request('/end-all?userId=ann')).body).toBe('300');
      expect(new Set(await owners(site))).toEqual(new Set(['bob']));
    });
  });
}

let began = gate();
let goOn = gate();

function routes(app: Express): void {
  [began, goOn] = [gate(), gate()];
  app.get('/login', (req, res) => {
    Object.assign(req.session, req.query);
    res.send();
  });
  app.get('/login-json', (req, res) => {
    req.session.userId = JSON.parse(String(req.query.userId));
    res.send();
  });
  app.get('/login-alone', (req, res) => {
    req.session.userId = String(req.query.userId);
    void req.session.endOthers();
    res.send();
  });
  app.get('/note', (req, res) => {
    req.session.count = 1;
    res.send();
  });
  app.get('/brief', (req, res) => {
    req.session.cookie.maxAge = 1000;
    req.session.userId = 'dan';
    res.send();
  });
  app.get('/show', (req, res) => res.send(req.session.userId ?? 'nobody'));
  app.get('/slow', async (req, res) => {
    req.session.count = 1;
    began.open();
    await goOn.opened;
    res.send();
  });
  app.get('/end-others', async (req, res) => res.json(await req.session.endOthers()));
  app.get('/list', async (req, res) => {
    const { sessionStore, sessionID, query } = req;
    const found = await sessionStore.sessionsOf(String(query.userId));
    res.json(found.map((each) => ({ ...each, isThis: each.ref === sessionStore.refOf(sessionID) })));
  });
  app.get('/list-json', async (req, res) =>
    res.json(await req.sessionStore.sessionsOf(JSON.parse(String(req.query.userId)))),
  );
  app.get('/end-one', async (req, res) => {
    const { userId, ref: wanted } = req.query;
    res.json(await req.sessionStore.endSessionsOf(String(userId), ({ ref }) => ref === wanted));
  });
  app.get('/end-all', async (req, res) => res.json(await req.sessionStore.endSessionsOf(String(req.query.userId))));
  app.get('/end-json', async (req, res) =>
    res.json(await req.sessionStore.endSessionsOf(JSON.parse(String(req.query.userId)))),
  );
  type Sessions = Partial<import('express-session').SessionData>[];
  const all = (req: import('express').Request): Promise<Sessions> =>
    new Promise((resolve, reject) => {
      req.sessionStore.all?.((error, found) => (error ? reject(error) : resolve(found as Sessions)));
    });
  app.get('/all', async (req, res) => res.json(await all(req)));
  app.get('/all-names', async (req, res) => res.json((await all(req)).map(({ userId }) => userId).sort()));
  app.get('/all-counts', async (req, res) => res.json((await all(req)).map(({ count }) => count)));
  app.get('/change-all', async (req, res) => {
    const found = await all(req);
    const change = (session: Sessions[number]): Promise<unknown> =>
      new Promise((resolve) => {
        req.sessionStore.set('any', Object.assign(session, { count: 5 }) as never, resolve);
      });
    res.json(await Promise.all(found.map(change)));
  });
  app.get('/length', (req, res) => req.sessionStore.length?.((error, count) => res.json(error ?? count)));
  app.get('/clear', (req, res) => req.sessionStore.clear?.((error) => res.json(error ?? null)));
}

import { expect, test } from 'vitest';
import { change, openStore, startSite } from './support.ts';
import { describeUserSessions } from './user-sessions.ts';

describeUserSessions('the embedded store', openStore);

test('endOthers without an owner is an error: nobody would be logged out', async () => {
  const site = await startSite((app) => {
    app.get('/awaited', async (req, res) => {
      req.session.count = 1;
      await req.session.endOthers().catch((error) => res.send(String(error)));
    });
    app.get('/forgotten', (req, res) => {
      void req.session.endOthers();
      res.send('done');
    });
  });
  expect((await site.request('/awaited')).body).toMatch(/^TypeError: the session has no owner/);
  expect((await site.request('/forgotten')).status).toBe(500);
});

test.each(['list', 'delete'] as const)('when %s of the store fails, endOthers is a 503', async (name) => {
  const driver = await openStore();
  const fail = (): never => {
    throw new Error('down');
  };
  const site = await startSite(
    (app) => {
      app.get('/', (req, res) => {
        req.session.userId = 'ann';
        void req.session.endOthers();
        res.send('done');
      });
    },
    { driver: change(driver, { [name]: name === 'list' ? fail : async () => fail() }) },
  );
  const times = { createdAtMs: site.clock.now, seenAtMs: site.clock.now, expiresAtMs: site.clock.now + 1000 };
  await driver.create('other', { data: '{}', owner: 'ann', ...times });
  expect((await site.request('/')).status).toBe(503);
});

test.each([undefined, null, '', {}, [], true, Number.NaN])('%j is not the owner of any session', async (owner) => {
  const site = await startSite((app) => {
    app.get('/', async (req, res) => {
      const { sessionStore } = req;
      const calls = [sessionStore.sessionsOf(owner as never), sessionStore.endSessionsOf(owner as never)];
      res.json(
        (await Promise.allSettled(calls)).map((result) => result.status === 'rejected' && String(result.reason)),
      );
    });
  });
  const times = { createdAtMs: site.clock.now, seenAtMs: site.clock.now, expiresAtMs: site.clock.now + 1000 };
  await site.driver.create('other', { data: '{}', owner: String(owner), ...times });
  const failure = expect.stringContaining('TypeError: the owner of sessions is a text or a number');
  expect(JSON.parse((await site.request('/')).body)).toEqual([failure, failure]);
  expect(await site.records()).toHaveLength(1);
});

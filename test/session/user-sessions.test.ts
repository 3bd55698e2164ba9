import { MemoryStore, type SessionData } from 'express-session';
import { expect, test, vi } from 'vitest';
import { session } from '../../src/session/index.ts';
import { driverOf } from '../../src/stores/express.ts';
import { listen, secret } from './compatibility-support.ts';
import { change, openStore, startSite } from './support.ts';
import { describeUserSessions } from './user-sessions.ts';

describeUserSessions('the embedded store', openStore);

/** Lists as connect-redis does: `all` returns an array of sessions with their ids. */
class ListingStore extends MemoryStore {
  override all(callback: (error: unknown, sessions?: never) => void): void {
    super.all((error, found) => {
      const sessions = Object.entries(found ?? {}).map(([id, data]) => ({ ...data, id }));
      callback(error, sessions as never);
    });
  }
}

/** Lists as connect-mongo does: `all` returns sessions without ids. */
class NamelessStore extends MemoryStore {
  override all(callback: (error: unknown, sessions?: never) => void): void {
    super.all((error, found) => callback(error, Object.values<SessionData>(found ?? {}) as never));
  }
}

describeUserSessions('express-session’s MemoryStore', async () => driverOf(new MemoryStore()));
describeUserSessions('an express-session store whose all returns an array', async () => driverOf(new ListingStore()));

test('with an express-session store that cannot list, a list call rejects, and the response is not a 503', async () => {
  const log = { warn: vi.fn(), error: vi.fn() };
  const use = session({ secret, store: new NamelessStore(), log, resave: false, saveUninitialized: false });
  const ask = await listen(async (req, res) => {
    req.session.userId = 'ann';
    if (req.url === '/') return res.end('logged in');
    const { sessionStore } = req;
    const calls = [sessionStore.sessionsOf('ann'), sessionStore.endSessionsOf('ann'), req.session.endOthers()];
    const results = await Promise.allSettled(calls);
    res.end(JSON.stringify(results.map((result) => String(result.status === 'rejected' && result.reason))));
  }, use as never);
  const { cookie, status } = await ask();
  const { body } = await ask('/lists', cookie);
  const failure = expect.stringMatching(/^CannotList: this express-session store cannot list .* Use a store that can/);
  expect([status, JSON.parse(body)]).toEqual([200, [failure, failure, failure]]);
});

test.each([
  [MemoryStore, ['different processes', 'in memory']],
  [ListingStore, ['different processes', 'in memory']],
])('the limits of an express-session store are logged once: %s', (Store, expected) => {
  const store = new Store();
  const log = { warn: vi.fn(), error: vi.fn() };
  for (let n = 0; n < 2; n += 1) session({ secret, store, log });
  expect(log.warn).toHaveBeenCalledOnce();
  const [, message] = log.warn.mock.calls[0] ?? [];
  expect(message).toMatch(`${Store.name} is an express-session store: `);
  for (const part of expected) expect(message).toContain(part);
  expect(message).not.toContain('cannot list');
});

test('the logged limits include that the store cannot list sessions', () => {
  const store = Object.assign(new MemoryStore(), { all: undefined });
  const log = { warn: vi.fn(), error: vi.fn() };
  session({ secret, store: store as never, log });
  expect(log.warn.mock.calls).toEqual([[{}, expect.stringContaining('it cannot list or end the sessions of a user')]]);
});

test.each([
  ['an async function', async () => false, 'endSessionsOf needs a function that is not async'],
  ['a text', 'abc', 'the second argument of endSessionsOf must be a function'],
])('endSessionsOf with %s rejects, and ends no session', async (_, isMeant, message) => {
  const site = await startSite((app) => {
    app.get('/login', (req, res) => {
      req.session.userId = 'ann';
      res.send('in');
    });
    app.get('/end', async (req, res) =>
      res.send(await req.sessionStore.endSessionsOf('ann', isMeant as never).catch(String)),
    );
  });
  await site.request('/login');
  expect((await site.request('/end')).body).toContain(message);
  expect(await site.records()).toHaveLength(1);
});

test('endOthers without an owner rejects: it would log nobody out', async () => {
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

test.each(['list', 'delete'] as const)('when %s of the store fails, endOthers gives a 503', async (name) => {
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
  const failure = expect.stringContaining('TypeError: the owner of sessions must be a string, a number');
  expect(JSON.parse((await site.request('/')).body)).toEqual([failure, failure]);
  expect(await site.records()).toHaveLength(1);
});

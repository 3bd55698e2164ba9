import session from 'express-session';
import { expect, test } from 'vitest';
import { driverOf } from '../../src/stores/express.ts';
import { startPruning } from '../../src/stores/pruning.ts';
import { change, openStore, type Site, startSite } from './support.ts';

test('handlers see express-session’s classes', async () => {
  const seen: unknown[] = [];
  const site = await startSite((app) =>
    app.get('/', (req, res) => {
      seen.push(req.session instanceof session.Session, req.session.cookie instanceof session.Cookie);
      seen.push(req.sessionStore instanceof session.Store, req.session.id === req.sessionID);
      seen.push(
        Object.keys(req.session),
        req.session.touch() === req.session,
        req.session.resetMaxAge() === req.session,
      );
      res.send();
    }),
  );
  await site.request('/');
  expect(seen).toEqual([true, true, true, true, ['cookie'], true, true]);
});

test('without a callback, regenerate, reload and destroy return a promise', async () => {
  const site = await startSite((app) => {
    app.get('/login', async (req, res) => {
      const before = req.sessionID;
      req.session.count = 1;
      await req.session.regenerate();
      req.session.userId = 'ann';
      res.send([req.sessionID !== before, req.session.count ?? null]);
    });
    app.get('/reload', async (req, res) => {
      req.session.userId = 'eve';
      await req.session.reload();
      res.send([req.session.userId]);
    });
    app.get('/logout', async (req, res) => {
      await req.session.destroy();
      res.send([req.session === undefined]);
    });
    app.get('/who', (req, res) => res.send([req.session.userId ?? null]));
  });
  const browse = site.browser();
  const shown = [];
  for (const path of ['/login', '/reload', '/logout', '/who']) shown.push(JSON.parse((await browse(path)).body));
  expect(shown).toEqual([[true, null], ['ann'], [true], [null]]);
  expect(await site.records()).toEqual([]);
});

test.each(['regenerate', 'destroy'] as const)('when the store fails, the promise of %s rejects', async (name) => {
  const driver = await openStore();
  const fail = async (): Promise<never> => {
    throw new Error('down');
  };
  const site = await startSite(
    (app) => {
      app.get('/login', (req, res) => {
        req.session.userId = 'ann';
        res.send('in');
      });
      app.get('/awaited', async (req, res) => {
        const message = await req.session[name]().catch((error: Error) => error.name);
        res.send(String(message));
      });
      app.get('/forgotten', (req, res) => {
        void req.session[name]();
        res.send('done');
      });
    },
    { driver: change(driver, { delete: fail }) },
  );
  const { cookie } = await site.request('/login');
  for (const path of ['/awaited', '/forgotten'])
    expect((await site.request(path, { headers: { Cookie: cookie } })).status).toBe(503);
});

test('reload without a callback rejects when the session is gone', async () => {
  const site = await startSite((app) => {
    app.get('/', async (req, res) => res.send(String(await req.session.reload().catch((error) => error))));
  });
  expect((await site.request('/')).body).toBe('Error: failed to load session');
});

test('save, reload, regenerate and destroy work and call back', async () => {
  const site = await startSite((app) => {
    app.get('/save', (req, res) => {
      req.session.count = 1;
      req.session.save((error) => res.json([error ?? null, req.session.count]));
    });
    app.get('/reload', (req, res) => {
      req.session.count = 99;
      req.session.reload((error) => res.json([error ?? null, req.session.count]));
    });
    app.get('/regenerate', (req, res) => {
      const old = req.sessionID;
      req.session.regenerate((error) => {
        req.session.count = 2;
        res.json([error ?? null, req.sessionID !== old, req.session.id === req.sessionID]);
      });
    });
    app.get('/destroy', (req, res) => {
      req.session.destroy((error) => res.json([error ?? null, typeof req.session]));
    });
    app.get('/fire', (req, res) => {
      req.session.count = 5;
      req.session.save();
      req.session.save();
      res.send();
    });
    app.get('/reload-missing', (req, res) => req.session.reload((error) => res.send(String(error))));
  });
  const browse = site.browser();
  for (const [path, body] of [
    ['/save', [null, 1]],
    ['/reload', [null, 1]],
    ['/regenerate', [null, true, true]],
    ['/reload', [null, 2]],
    ['/fire', undefined],
    ['/reload', [null, 5]],
    ['/destroy', [null, 'undefined']],
  ] as const) {
    const response = await browse(path);
    expect(response.status).toBe(200);
    if (body) expect(JSON.parse(response.body)).toEqual(body);
  }
  expect(await site.records()).toEqual([]);
  expect((await browse('/reload-missing')).body).toBe('Error: failed to load session');
});

test('the store gets, sets, touches, loads and destroys by id', async () => {
  const site = await startSite((app) => {
    app.get('/', (req, res) => {
      req.session.count = 1;
      res.send(req.sessionID);
    });
    app.get('/store/:id', async (req, res) => {
      const { sessionStore: store } = req;
      const id = req.params.id as string;
      const call = (start: (done: (error: unknown, value?: unknown) => void) => void) =>
        new Promise<unknown>((resolve, reject) => start((error, value) => (error ? reject(error) : resolve(value))));
      const found = (await call((done) => store.get(id, done))) as session.SessionData;
      found.count += 1;
      await call((done) => store.set(id, found, done));
      await call((done) => store.touch?.(id, found, done as () => void));
      const loaded = (await call((done) => store.load(id, done))) as session.SessionData;
      await call((done) => store.destroy(id, done));
      await call((done) => store.set(id, found, done));
      res.json([loaded.count, await call((done) => store.get(id, done))]);
    });
  });
  const { body: id } = await site.request('/');
  expect(JSON.parse((await site.request(`/store/${id}`)).body)).toEqual([2, null]);
});

test('a req.session that is not a session is a 500 and an error in the log', async () => {
  const site = await startSite((app) =>
    app.get('/', (req, res) => {
      req.session = { count: 1 } as never;
      res.send();
    }),
  );
  expect((await site.request('/')).status).toBe(500);
  expect(site.log).toMatchObject([{ detail: { err: { message: expect.stringContaining('not a session') } } }]);
});

test('a request that removes req.session keeps the stored session', async () => {
  const site = await startSite((app) => {
    app.get('/set', (req, res) => {
      req.session.count = 1;
      res.send();
    });
    app.get('/drop', (req, res) => {
      Reflect.deleteProperty(req, 'session');
      res.send();
    });
    app.get('/null', (req, res) => {
      req.session = null as never;
      res.send();
    });
  });
  const browse = site.browser();
  await browse('/set');
  expect((await browse('/drop')).status).toBe(200);
  expect((await browse('/null')).status).toBe(200);
  expect(await site.records()).toHaveLength(1);
});

test('any express-session store can be used as a driver', async () => {
  const memory = new session.MemoryStore();
  const site = await startSite(
    (app) => {
      app.get('/login', (req, res) => {
        req.session.count = 0;
        res.send();
      });
      app.get('/count', async (req, res) => {
        await req.session.update((data) => {
          data.count = (data.count ?? 0) + 1;
        });
        res.send();
      });
      app.get('/show', (req, res) => res.json(req.session.count ?? null));
      app.get('/destroy', (req, res) => req.session.destroy(() => res.send()));
    },
    { driver: driverOf(memory) },
  );
  const browse: Site['request'] = site.browser();
  const { cookie } = await browse('/login');
  await Promise.all(Array.from({ length: 20 }, () => browse('/count')));
  expect((await browse('/show')).body).toBe('20');
  const stored = (memory as unknown as { sessions: Record<string, string> }).sessions;
  expect(Object.keys(stored)).toEqual([decodeURIComponent(cookie).slice(6, 49)]);
  site.clock.now += 31 * 60_000;
  expect((await browse('/show')).body).toBe('null');
  await browse('/destroy');
});

test('many expired records are deleted batch by batch until none is left', async () => {
  const driver = await openStore();
  const one = { data: '{}', createdAtMs: 1, seenAtMs: 1, expiresAtMs: 2 };
  await Promise.all(Array.from({ length: 250 }, (_, n) => driver.create(`old${n}`, one)));
  const counts: number[] = [];
  const watched = change(driver, {
    prune: async (...args) => {
      const count = await driver.prune(...args);
      counts.push(count);
      return count;
    },
  });
  const stop = startPruning(watched, { warn: () => undefined, error: () => undefined }, { restMs: 600 });
  while (counts.at(-1) !== 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await stop();
  expect(counts[0]).toBe(100);
  expect(counts.reduce((sum, count) => sum + count)).toBe(250);
  expect(counts.slice(0, -1)).not.toContain(0);
});

test('expired records are deleted automatically, and the timer can be stopped', async () => {
  const driver = await openStore();
  await driver.create('old', { data: '{}', createdAtMs: 1, seenAtMs: 1, expiresAtMs: 2 });
  await driver.create('new', { data: '{}', createdAtMs: 1, seenAtMs: 1, expiresAtMs: Date.now() + 60_000 });
  const log = { warn: () => undefined, error: () => undefined };
  const stop = startPruning(driver, log, { restMs: 5 });
  while (await driver.read('old')) await new Promise((resolve) => setTimeout(resolve, 5));
  await stop();
  expect(await driver.read('new')).toBeDefined();
  await driver.create('later', { data: '{}', createdAtMs: 1, seenAtMs: 1, expiresAtMs: 2 });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await driver.read('later')).toBeDefined();
});

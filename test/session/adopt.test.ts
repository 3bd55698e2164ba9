import type { AddressInfo } from 'node:net';
import express from 'express';
import expressSession, { MemoryStore } from 'express-session';
import { expect, onTestFinished, test, vi } from 'vitest';
import session, { adoptSessions, type SessionOptions } from '../../src/session/index.ts';
import { memory } from '../../src/testing/memory.ts';
import { type HttpResponse, type RequestOptions, send } from '../support/http.ts';
import { collect, dayMs, minuteMs, secretOf } from './support.ts';

type Sessions = Record<string, string>;
type Browse = (server: string, path: string, options?: RequestOptions) => Promise<HttpResponse>;

/** The application of these tests, with express-session or with sessapp. */
async function serve(middleware: express.RequestHandler): Promise<string> {
  const app = express();
  app.use(middleware);
  app.get('/login/:name', (req, res, next) => {
    req.session.regenerate((error) => {
      if (error) return next(error);
      req.session.userId = req.params.name;
      req.session.cookie.maxAge = 3 * dayMs;
      res.send('in');
    });
  });
  app.get('/add/:key', (req, res) => {
    req.session[req.params.key] = true;
    res.send('added');
  });
  app.get('/show', (req, res) => {
    const { cookie, ...data } = req.session;
    res.json(data);
  });
  app.get('/lifetime', (req, res) => res.json(req.session.cookie));
  app.get('/end-others', async (req, res) => res.json(await req.session.endOthers()));
  app.get('/logout', (req, res) => req.session.destroy(() => res.send('out')));
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const same = { secret: secretOf('a'), resave: false, saveUninitialized: false };
const serveTheirs = (store: expressSession.Store): Promise<string> => serve(expressSession({ ...same, store }));
const serveOurs = (options: Partial<SessionOptions>): Promise<string> =>
  serve(session({ ...same, ...options }) as express.RequestHandler);

/** A browser whose requests go to several servers in turn, as behind a load balancer. */
function open(): Browse {
  let cookie = '';
  return async (server, path, options) => {
    const response = await send(server + path, { ...options, headers: cookie ? { cookie } : {} });
    cookie = response.cookie || cookie;
    return response;
  };
}

const sessionsOf = (store: MemoryStore): Sessions => (store as unknown as { sessions: Sessions }).sessions;
const show = async (browse: Browse, server: string): Promise<unknown> =>
  JSON.parse((await browse(server, '/show')).body);

test('two servers may use one store at the same time, one with each library', async () => {
  const store = new MemoryStore();
  const [theirs, ours] = [await serveTheirs(store), await serveOurs({ store })];
  for (const [first, second] of [
    [theirs, ours],
    [ours, theirs],
  ] as const) {
    const browse = open();
    await browse(first, '/login/ann');
    await browse(second, '/add/cart');
    await browse(first, '/add/theme');
    const { 'sessapp:record': _, ...data } = (await show(browse, second)) as Record<string, unknown>;
    expect(data).toEqual({ userId: 'ann', cart: true, theme: true });
    const [one, two] = [await browse(first, '/lifetime'), await browse(second, '/lifetime')].map(({ body }) =>
      JSON.parse(body),
    );
    // Under load, express-session sets an originalMaxAge that is a millisecond too small.
    for (const { originalMaxAge, path, httpOnly } of [one, two])
      expect([Math.round(originalMaxAge / 1000) * 1000, path, httpOnly]).toEqual([3 * dayMs, '/', true]);
    await browse(second, '/logout');
    expect(await show(browse, first)).toEqual({});
  }
  expect(sessionsOf(store)).toEqual({});
});

test('when its user returns, a session of express-session moves with its data, its lifetime and its owner', async () => {
  const [old, store] = [new MemoryStore(), memory()];
  const theirs = await serveTheirs(old);
  const browse = open();
  await browse(theirs, '/login/ann');
  await browse(theirs, '/add/cart');
  const [before] = Object.values(sessionsOf(old)).map((text) => JSON.parse(text));
  const ours = await serveOurs({ store, adopt: { store: old, moveAfterMs: 0 } });
  expect(await show(browse, ours)).toEqual({ userId: 'ann', cart: true });
  expect(sessionsOf(old)).toEqual({});
  const records = await collect(store.list({ owner: 'ann' }));
  expect(records).toMatchObject([{ owner: 'ann', expiresAtMs: new Date(before.cookie.expires).getTime() }]);
  // express-session computes originalMaxAge from the expiry, so the stored value may be a millisecond less than the option.
  const { originalMaxAge } = before.cookie;
  expect(JSON.parse((await browse(ours, '/lifetime')).body)).toMatchObject({ originalMaxAge });
});

test.each([
  ['10 minutes ago', 10 * minuteMs, {}],
  ['before the absolute limit', 2 * dayMs, { limits: { absoluteMs: dayMs } }],
])(
  'a session that was last seen %s was created before it was seen, and its user stays logged in',
  async (_, ms, more) => {
    const [old, store] = [new MemoryStore(), memory()];
    const browse = open();
    await browse(await serveTheirs(old), '/login/ann');
    const [[id = '', text = ''] = []] = Object.entries(sessionsOf(old));
    const found = JSON.parse(text);
    found.cookie.expires = new Date(Date.now() + found.cookie.originalMaxAge - ms);
    sessionsOf(old)[id] = JSON.stringify(found);
    await adoptSessions({ store, adopt: old, ...more });
    const [moved] = await collect(store.list({}));
    expect(moved?.createdAtMs).toBeLessThanOrEqual(moved?.seenAtMs ?? 0);
    expect(await show(browse, await serveOurs({ store, ...more }))).toEqual({ userId: 'ann' });
    const [seen] = await collect(store.list({}));
    expect(seen?.createdAtMs).toBeLessThanOrEqual(seen?.seenAtMs ?? 0);
  },
);

test('until a process starts to move sessions, it leaves them where express-session finds them', async () => {
  const clock = { now: Date.now() };
  const [old, store] = [new MemoryStore(), memory()];
  const [theirs, ours] = [await serveTheirs(old), await serveOurs({ store, adopt: old, now: () => clock.now })];
  const [ann, bob] = [open(), open()];
  await ann(theirs, '/login/ann');
  await bob(ours, '/login/bob');
  for (const [browse, userId] of [
    [ann, 'ann'],
    [bob, 'bob'],
  ] as const) {
    await browse(ours, '/add/cart');
    await browse(theirs, '/add/theme');
    expect(await show(browse, ours)).toMatchObject({ userId, cart: true, theme: true });
    expect(await show(browse, theirs)).toMatchObject({ userId, cart: true, theme: true });
  }
  expect(await collect(store.list({}))).toEqual([]);
  clock.now += 10 * minuteMs;
  for (const [browse, userId] of [
    [ann, 'ann'],
    [bob, 'bob'],
  ] as const)
    expect(await show(browse, ours)).toEqual({ userId, cart: true, theme: true });
  expect(sessionsOf(old)).toEqual({});
});

/** A store that ends a session an hour after the last write or `touch`, as session-file-store does by default. */
class HourStore extends MemoryStore {
  readonly #seenMs: Record<string, number> = {};
  readonly #now: () => number;

  constructor(now: () => number) {
    super();
    this.#now = now;
  }

  override get(id: string, callback: (error: unknown, data?: expressSession.SessionData | null) => void): void {
    if (this.#now() - (this.#seenMs[id] ?? 0) >= 60 * minuteMs) callback(null);
    else super.get(id, callback);
  }

  override set(id: string, data: expressSession.SessionData, callback?: (error?: unknown) => void): void {
    this.#seenMs[id] = this.#now();
    super.set(id, data, callback);
  }

  override touch(id: string, data: expressSession.SessionData, callback?: () => void): void {
    this.#seenMs[id] = this.#now();
    super.touch(id, data, callback);
  }
}

test.each<[string, (old: MemoryStore) => Partial<SessionOptions>]>([
  ['as store', (store) => ({ store })],
  ['in adopt', (store) => ({ store: memory(), adopt: { store, moveAfterMs: Number.POSITIVE_INFINITY } })],
])('an express-session store with a short ttl, %s: a session in use does not end', async (_, options) => {
  const clock = { now: Date.now() };
  const now = (): number => clock.now;
  const server = await serveOurs({ ...options(new HourStore(now)), now });
  const browse = open();
  await browse(server, '/add/cart');
  for (let n = 0; n < 8; n += 1) {
    clock.now += 10 * minuteMs;
    expect(await show(browse, server)).toMatchObject({ cart: true });
  }
  clock.now += 60 * minuteMs;
  expect(await show(browse, server)).toEqual({});
});

test('a destroyed session stays destroyed in both stores, also when a request is still saving it', async () => {
  const [old, store] = [new MemoryStore(), memory()];
  const [theirs, ours] = [await serveTheirs(old), await serveOurs({ store, adopt: { store: old, moveAfterMs: 0 } })];
  const browse = open();
  await browse(theirs, '/login/ann');
  const [[id = '', text = ''] = []] = Object.entries(sessionsOf(old));
  await browse(ours, '/logout');
  // An express-session request that began before the logout saves the session.
  sessionsOf(old)[id] = text;
  expect(await show(browse, ours)).toEqual({});
});

test('a session that express-session destroys while it moves is gone', async () => {
  const [old, store] = [new MemoryStore(), memory()];
  const [theirs, ours] = [await serveTheirs(old), await serveOurs({ store, adopt: { store: old, moveAfterMs: 0 } })];
  const browse = open();
  await browse(theirs, '/login/ann');
  const create = store.create.bind(store);
  store.create = async (...args) => {
    for (const id of Object.keys(sessionsOf(old))) delete sessionsOf(old)[id];
    return create(...args);
  };
  expect(await show(browse, ours)).toEqual({});
});

test('all other sessions of a user are destroyed, also sessions that have not moved', async () => {
  const [old, store] = [new MemoryStore(), memory()];
  const [theirs, ours] = [await serveTheirs(old), await serveOurs({ store, adopt: { store: old, moveAfterMs: 0 } })];
  const [desk, phone, eve] = [open(), open(), open()];
  await desk(theirs, '/login/ann');
  await phone(theirs, '/login/ann');
  await eve(theirs, '/login/eve');
  expect((await desk(ours, '/end-others')).body).toBe('1');
  expect(await show(phone, theirs)).toEqual({});
  expect(await show(phone, ours)).toEqual({});
  expect(await show(desk, ours)).toMatchObject({ userId: 'ann' });
  expect(await show(eve, ours)).toMatchObject({ userId: 'eve' });
});

test('sessions move back when the two stores are swapped', async () => {
  const [theirStore, ourStore] = [new MemoryStore(), memory()];
  const [ours, back] = [
    await serveOurs({ store: ourStore }),
    await serveOurs({ store: theirStore, adopt: { store: ourStore, moveAfterMs: 0 } }),
  ];
  const [browse, gone] = [open(), open()];
  for (const each of [browse, gone]) await each(ours, '/login/ann');
  await gone(back, '/logout');
  await browse(back, '/add/cart');
  const theirs = await serveTheirs(theirStore);
  expect(await show(browse, theirs)).toMatchObject({ userId: 'ann', cart: true });
  expect(JSON.parse((await browse(theirs, '/lifetime')).body)).toMatchObject({
    originalMaxAge: 3 * dayMs,
    httpOnly: true,
  });
  expect(await show(gone, theirs)).not.toHaveProperty('userId');
  await browse(theirs, '/logout');
  expect(await show(browse, ours)).toEqual({});
});

test('adoptSessions moves the sessions of users who do not return', async () => {
  const [old, store] = [new MemoryStore(), memory()];
  const theirs = await serveTheirs(old);
  const users = Array.from({ length: 30 }, (_, n) => ({ name: `user${n}`, browse: open() }));
  for (const { name, browse } of users) await browse(theirs, `/login/${name}`);
  expect(await adoptSessions({ store, adopt: old })).toEqual({ moved: 30, failed: 0 });
  expect(sessionsOf(old)).toEqual({});
  const ours = await serveOurs({ store });
  for (const { name, browse } of users) expect(await show(browse, ours)).toEqual({ userId: name });
  expect(await adoptSessions({ store, adopt: old })).toEqual({ moved: 0, failed: 0 });
});

test('adoptSessions accepts ids for a store that cannot list them', async () => {
  const [old, store] = [new MemoryStore(), memory()];
  const browse = open();
  await browse(await serveTheirs(old), '/login/ann');
  const ids = Object.keys(sessionsOf(old));
  Object.defineProperty(old, 'all', { value: undefined });
  await expect(adoptSessions({ store, adopt: old })).rejects.toThrow(
    /cannot list its sessions: .*\. Pass the ids as the second argument of adoptSessions$/,
  );
  expect(await adoptSessions({ store, adopt: old }, [...ids, 'unknown'])).toEqual({ moved: 1, failed: 0 });
  expect(await show(browse, await serveOurs({ store }))).toEqual({ userId: 'ann' });
});

test.each([
  [{}, 'adoptSessions needs the option adopt'],
  [{ adopt: memory() }, 'has session keys, not ids'],
])('adoptSessions says what is wrong with %o', async (options, message) => {
  await expect(adoptSessions(options)).rejects.toThrow(message);
});

test('a copy that an interrupted move left is deleted later, or when the session is destroyed', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const [old, store] = [new MemoryStore(), memory()];
  const [theirs, ours] = [await serveTheirs(old), await serveOurs({ store, adopt: { store: old, moveAfterMs: 0 } })];
  const [desk, phone, tablet] = [open(), open(), open()];
  for (const browse of [desk, phone, tablet]) await browse(theirs, '/login/ann');
  const destroy = vi.spyOn(old, 'destroy').mockImplementation((_, callback) => callback?.(new Error('interrupted')));
  for (const browse of [desk, phone, tablet]) expect((await browse(ours, '/show')).status).toBe(503);
  destroy.mockRestore();
  for (const browse of [desk, phone]) expect(await show(browse, ours)).toEqual({ userId: 'ann' });
  expect(Object.keys(sessionsOf(old))).toHaveLength(3);
  vi.advanceTimersByTime(10_000);
  await desk(ours, '/show');
  await vi.waitUntil(() => Object.keys(sessionsOf(old)).length === 2);
  expect((await desk(ours, '/end-others')).body).toBe('2');
  expect(sessionsOf(old)).toEqual({});
  for (const browse of [phone, tablet]) expect(await show(browse, ours)).toEqual({});
});

test('adoptSessions deletes copies, and continues after a session that cannot be read', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout'], shouldAdvanceTime: true, advanceTimeDelta: 500 });
  onTestFinished(() => void vi.useRealTimers());
  const [old, store] = [new MemoryStore(), memory()];
  const theirs = await serveTheirs(old);
  const users = Array.from({ length: 3 }, () => open());
  for (const browse of users) await browse(theirs, '/login/ann');
  const [copied = '', broken = '', sound = ''] = Object.keys(sessionsOf(old));
  const stored = sessionsOf(old)[copied] ?? '';
  expect(await adoptSessions({ store, adopt: old }, [copied])).toEqual({ moved: 1, failed: 0 });
  Object.assign(sessionsOf(old), { [copied]: stored, [broken]: '{bad' });
  expect(await adoptSessions({ store, adopt: old }, [copied, broken, sound])).toEqual({ moved: 1, failed: 1 });
  expect(Object.keys(sessionsOf(old))).toEqual([broken]);
  await expect(adoptSessions({ store, adopt: old }, [broken, broken])).rejects.toThrow('JSON');
}, 90_000);

test('while the old store cannot list its sessions, a list of a user’s sessions fails and is never incomplete', async () => {
  const [old, store] = [new MemoryStore(), memory()];
  Object.defineProperty(old, 'all', { value: undefined });
  const ours = await serveOurs({ store, adopt: old });
  const browse = open();
  await browse(ours, '/login/ann');
  const response = await browse(ours, '/end-others');
  expect(response.status).toBe(500);
  expect(response.body).toMatch(
    /cannot list its sessions: .*\. Remove the option adopt when all sessions have moved from its store/,
  );
});

test.each([
  [{}, dayMs],
  [{ limits: { idleMs: 7 * dayMs } }, 7 * dayMs],
])('a session without an expiry gets the lifetime of the new store (%o)', async (options, idleMs) => {
  const [old, store] = [new MemoryStore(), memory()];
  const browse = open();
  await browse(await serveTheirs(old), '/add/cart');
  await adoptSessions({ store, adopt: old, ...options });
  const [record] = await collect(store.list({}));
  expect(Math.abs((record?.expiresAtMs ?? 0) - Date.now() - idleMs)).toBeLessThan(minuteMs);
});

const redisClient = { get: () => null, set: () => null, destroy: () => null, on: () => null };

test.each([{}, { store: {} }, class {}, 'redis', { store: redisClient }])(
  'the options adopt and store refuse %o, which is not a store',
  (adopt) => {
    expect(() => session({ ...same, store: memory(), adopt: adopt as never })).toThrow('adopt option must be a store');
    const { store = adopt } = adopt as { store?: unknown };
    expect(() => session({ ...same, store: store as never })).toThrow('store option must be a store');
  },
);

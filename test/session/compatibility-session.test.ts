import type { ServerResponse } from 'node:http';
import { describe, expect, test, vi } from 'vitest';
import {
  type Ask,
  type Handler,
  idOf,
  isInAnHour,
  libraries,
  lineOf,
  listen,
  type Middleware,
  type Options,
  type Seen,
  start as startWith,
  usual,
} from './compatibility-support.ts';
import { hourMs, minuteMs } from './support.ts';

type Handlers = Record<string, (req: Seen, reply: (...values: unknown[]) => void) => unknown>;

/** Handles each path with one of these; `reply` sends its values as JSON. */
const route =
  (handlers: Handlers): Handler =>
  (req, res) => {
    const [path = '/'] = (req.url ?? '/').split('?');
    handlers[path]?.(req, (...values) => res.end(JSON.stringify(values)));
  };

/** `/set` puts Ann into the session, `/get` shows the session's user. Both return the session id too. */
const basic: Handlers = {
  '/set': (req, reply) => {
    req.session.userId = 'ann';
    reply(req.sessionID);
  },
  '/get': ({ session }, reply) => reply(session.userId ?? null, session.id),
};

// The README of express-session about `req.session`, `req.session.cookie` and `req.sessionID`, tested with both libraries.
describe.each(libraries)('req.session of %s', (_, library) => {
  const start = (handlers: Handlers, options: Options = {}): Promise<Ask> =>
    startWith(library, options, route({ ...basic, ...handlers }));
  const parse = async (response: ReturnType<Ask>): Promise<unknown[]> => JSON.parse((await response).body);

  test('nested values are kept, as JSON', async () => {
    const cart = { items: [{ name: 'tea', prices: [1, 2.5, null] }], at: new Date(0), note: undefined };
    const ask = await start({
      '/fill': (req, reply) => {
        Object.assign(req.session, { cart, list: [1] });
        reply();
      },
      '/push': (req, reply) => {
        req.session.list?.push(2);
        reply();
      },
      '/show': ({ session: { cart: found, list } }, reply) => reply(found, list),
    });
    const { cookie } = await ask('/fill');
    await ask('/push', cookie);
    expect(await parse(ask('/show', cookie))).toEqual([JSON.parse(JSON.stringify(cart)), [1, 2]]);
  });

  test('a deleted property is gone', async () => {
    const ask = await start({
      '/delete': (req, reply) => {
        delete req.session.userId;
        reply();
      },
    });
    const { cookie } = await ask('/set');
    await ask('/delete', cookie);
    expect((await parse(ask('/get', cookie)))[0]).toBe(null);
  });

  test('its only own properties are the data and the cookie', async () => {
    const ask = await start({
      '/keys': (req, reply) => {
        const names: string[] = [];
        for (const name in req.session) names.push(name);
        reply(Object.keys(req.session).sort(), names.sort());
      },
    });
    const { cookie } = await ask('/set');
    const keys = ['cookie', 'userId'];
    expect(await parse(ask('/keys', cookie))).toEqual([keys, keys]);
  });

  test('id is req.sessionID, stays the same, and cannot be changed', async () => {
    const ask = await start({
      '/id': (req, reply) => {
        Reflect.set(req.session, 'id', 'mine');
        reply(req.session.id, req.sessionID);
      },
    });
    const { cookie, body } = await ask('/set');
    const [id] = JSON.parse(body);
    expect(id).toBe(idOf(cookie));
    expect(await parse(ask('/id', cookie))).toEqual([id, id]);
    expect(await parse(ask('/get', cookie))).toEqual(['ann', id]);
  });

  test('an id that a client made up is not accepted', async () => {
    const ask = await start({});
    const [who, id] = await parse(ask('/get', 'connect.sid=s%3Amade-up.signature; connect.sid=made-up'));
    expect([who, id === 'made-up']).toEqual([null, false]);
  });

  test('regenerate: a new and empty session with a new id, and the old one is gone', async () => {
    const ask = await start({
      '/regenerate': (req, reply) => {
        const old = req.session;
        req.session.regenerate((error) => {
          const seen = [error ?? null, req.session === old, req.session.userId ?? null, req.session.id];
          req.session.userId = 'bob';
          reply(...seen);
        });
      },
    });
    const { cookie } = await ask('/set');
    const changed = await ask('/regenerate', cookie);
    const [error, isSame, before, id] = JSON.parse(changed.body);
    expect([error, isSame, before]).toEqual([null, false, null]);
    expect(id).not.toBe(idOf(cookie));
    expect(await parse(ask('/get', changed.cookie))).toEqual(['bob', id]);
    expect((await parse(ask('/get', cookie)))[0]).toBe(null);
  });

  test('destroy: the session is gone from the request and from the store', async () => {
    const ask = await start({
      '/destroy': (req, reply) => {
        req.session.destroy((error) => reply(error ?? null, req.session ?? 'none'));
      },
    });
    const { cookie } = await ask('/set');
    const ended = await ask('/destroy', cookie);
    expect([JSON.parse(ended.body), lineOf(ended)]).toEqual([[null, 'none'], '']);
    expect((await parse(ask('/get', cookie)))[0]).toBe(null);
  });

  test('reload: the stored data replaces the changes of the request', async () => {
    const ask = await start({
      '/reload': (req, reply) => {
        req.session.userId = 'bob';
        req.session.reload((error) => reply(error ?? null, req.session.userId));
      },
    });
    const { cookie } = await ask('/set');
    expect(await parse(ask('/reload', cookie))).toEqual([null, 'ann']);
    expect((await parse(ask('/get', cookie)))[0]).toBe('ann');
  });

  test('reload: a session that is gone is an error', async () => {
    const ask = await start({
      '/reload': (req, reply) => {
        req.session.destroy(() => undefined);
        req.sessionStore.destroy(req.sessionID, () => {
          const { session } = req as { session?: Seen['session'] };
          reply(session === undefined);
        });
      },
      '/gone': (req, reply) => {
        const { session } = req;
        req.sessionStore.destroy(req.sessionID, () => session.reload((error) => reply(error instanceof Error)));
      },
    });
    const { cookie } = await ask('/set');
    expect(await parse(ask('/gone', cookie))).toEqual([true]);
    const other = await ask('/set');
    expect(await parse(ask('/reload', other.cookie))).toEqual([true]);
  });

  test('save: the session is stored before the callback is called, and before the response', async () => {
    const ask = await start({
      '/save': (req, reply) => {
        req.session.userId = 'ann';
        req.session.save((error) => {
          req.sessionStore.get(req.sessionID, (failure, found) => reply(error ?? null, failure ?? null, found?.userId));
        });
      },
    });
    expect(await parse(ask('/save'))).toEqual([null, null, 'ann']);
  });

  test('save: it needs no callback', async () => {
    const ask = await start({
      '/save': (req, reply) => {
        req.session.userId = 'ann';
        req.session.save();
        reply();
      },
    });
    const { cookie } = await ask('/save');
    expect((await parse(ask('/get', cookie)))[0]).toBe('ann');
  });

  test('touch: it returns the session, and extends the cookie', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const ask = await start(
        {
          '/touch': ({ session }, reply) => {
            const before = session.cookie.maxAge;
            vi.setSystemTime(Date.now() + 10 * minuteMs);
            const later = session.cookie.maxAge;
            const isSame = session.touch() === session;
            reply(isSame, before, later, session.cookie.maxAge);
          },
        },
        { cookie: { maxAge: hourMs } },
      );
      const { cookie } = await ask('/set');
      expect(await parse(ask('/touch', cookie))).toEqual([true, hourMs, 50 * minuteMs, hourMs]);
    } finally {
      vi.useRealTimers();
    }
  });

  test('a session lives for maxAge after each request, also with resave: false', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const ask = await start({}, { cookie: { maxAge: hourMs } });
      const { cookie } = await ask('/set');
      for (let n = 0; n < 3; n += 1) {
        vi.setSystemTime(Date.now() + 50 * minuteMs);
        expect((await parse(ask('/get', cookie)))[0]).toBe('ann');
      }
      vi.setSystemTime(Date.now() + 61 * minuteMs);
      expect((await parse(ask('/get', cookie)))[0]).toBe(null);
    } finally {
      vi.useRealTimers();
    }
  });

  test('cookie.maxAge is the remaining time, and cookie.originalMaxAge the whole lifetime', async () => {
    const ask = await start(
      { '/age': ({ session: { cookie } }, reply) => reply(cookie.maxAge, cookie.originalMaxAge) },
      { cookie: { maxAge: hourMs } },
    );
    const [left, all] = (await parse(ask('/age'))) as [number, number];
    expect(left).toBeGreaterThan(hourMs - minuteMs);
    expect(left).toBeLessThanOrEqual(hourMs);
    // express-session computes this from the clock, which may have advanced by a millisecond.
    expect(all).toBeGreaterThan(hourMs - minuteMs);
    expect(all).toBeLessThanOrEqual(hourMs);
  });

  test.each<[string, (cookie: Seen['session']['cookie']) => void]>([
    ['maxAge', (cookie) => Object.assign(cookie, { maxAge: hourMs })],
    ['expires', (cookie) => Object.assign(cookie, { expires: new Date(Date.now() + hourMs) })],
  ])('cookie.%s: a handler that sets it chooses the expiry for this visitor', async (__, change) => {
    const ask = await start({
      '/choose': (req, reply) => {
        req.session.userId = 'ann';
        change(req.session.cookie);
        reply();
      },
    });
    const chosen = await ask('/choose');
    expect(isInAnHour(lineOf(chosen))).toBe(true);
    expect((await parse(ask('/get', chosen.cookie)))[0]).toBe('ann');
  });

  test.each([false, null])('cookie.expires: with %s the cookie expires with the browser', async (expires) => {
    const ask = await start(
      {
        '/brief': (req, reply) => {
          req.session.userId = 'ann';
          Object.assign(req.session.cookie, { expires });
          reply(req.session.cookie.maxAge ?? null);
        },
      },
      { cookie: { maxAge: hourMs } },
    );
    const { cookie, headers } = await ask('/brief');
    expect(headers['set-cookie']).toEqual([expect.not.stringMatching(/Expires|Max-Age/)]);
    expect((await parse(ask('/get', cookie)))[0]).toBe('ann');
  });

  test('the login and the logout of the README work', async () => {
    const ask = await listen(
      (req, res) => {
        if (req.url === '/login')
          return req.session.regenerate(() => {
            req.session.userId = 'ann';
            req.session.save(() => res.writeHead(302, { Location: '/' }).end());
          });
        if (req.url === '/logout') {
          req.session.userId = null as never;
          return req.session.save(() => {
            req.session.regenerate(() => res.writeHead(302, { Location: '/' }).end());
          });
        }
        return res.end(req.session.userId ?? 'nobody');
      },
      library.create({ ...usual, saveUninitialized: true, store: new library.MemoryStore() }) as Middleware,
    );
    const visitor = await ask('/');
    const login = await ask('/login', visitor.cookie);
    expect([login.status, login.cookie !== visitor.cookie]).toEqual([302, true]);
    expect((await ask('/', login.cookie)).body).toBe('ann');
    expect((await ask('/', visitor.cookie)).body).toBe('nobody');
    const logout = await ask('/logout', login.cookie);
    expect((await ask('/', logout.cookie)).body).toBe('nobody');
    expect((await ask('/', login.cookie)).body).toBe('nobody');
  });

  test.each<[string, (res: ServerResponse, body: string) => unknown]>([
    ['end', (res, body) => res.end(body)],
    ['end with a Content-Length', (res, body) => res.setHeader('Content-Length', body.length).end(body)],
    ['writeHead', (res, body) => res.writeHead(200).end(body)],
    [
      'write',
      (res, body) => {
        res.write('');
        res.write(body);
        res.end();
      },
    ],
    [
      'flushHeaders',
      (res, body) => {
        res.flushHeaders();
        res.end(body);
      },
    ],
  ])('a change is stored before the client has the response of %s', async (__, respond) => {
    const ask = await startWith(library, {}, (req, res) => {
      req.session.count = (req.session.count ?? 0) + 1;
      respond(res, String(req.session.count));
    });
    const { cookie } = await ask();
    for (const expected of ['2', '3', '4']) expect((await ask('/', cookie)).body).toBe(expected);
  });
});

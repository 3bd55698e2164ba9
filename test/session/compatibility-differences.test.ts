import type { ServerResponse } from 'node:http';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  type Ask,
  count,
  expressLibrary,
  type Handler,
  idOf,
  type Library,
  lineOf,
  listen,
  look,
  type Middleware,
  type Options,
  sessappLibrary,
  start,
  usual,
} from './compatibility-support.ts';
import { dayMs, gate, hourMs } from './support.ts';

/** The behavior of each library in the same situation: the rows of docs/compatibility.md. */
function compare(title: string, ask: (library: Library) => Promise<unknown>, express: unknown, sessapp: unknown): void {
  test.each([
    ['express-session', expressLibrary, express],
    ['sessapp/session', sessappLibrary, sessapp],
  ] as const)(`${title}: %s`, async (_, library, expected) => expect(await ask(library)).toEqual(expected));
}

const broken = (_: unknown, __: unknown, done?: (error?: unknown) => void): void => done?.(new Error('disk full'));

/** A server whose store fails in one method after a session was created. */
async function failAt(library: Library, method: 'get' | 'set' | 'destroy', options: Options = {}): Promise<Ask> {
  const store = new library.MemoryStore();
  const ask = await listen(
    (req, res) => {
      if (req.url === '/unset') req.session = null as never;
      else req.session.count = (req.session.count ?? 0) + 1;
      res.end('handled');
    },
    library.create({ ...usual, store, ...options }),
  );
  const { cookie } = await ask();
  const fail = method === 'set' ? broken : (id: unknown, done?: (error?: unknown) => void) => broken(id, id, done);
  vi.spyOn(store, method).mockImplementation(fail as never);
  return (path) => ask(path, cookie);
}

const seen = async (response: ReturnType<Ask>): Promise<unknown[]> => {
  const { status, headers, body } = await response;
  return [status, headers['retry-after'] ?? null, body.split('\n')[0]];
};

const unavailable = [503, '5', 'Sessions are not available at the moment. Try again shortly.'];

describe('when the store fails', () => {
  compare('to save', async (library) => seen((await failAt(library, 'set'))()), [200, null, 'handled'], unavailable);
  compare(
    'to read',
    async (library) => seen((await failAt(library, 'get'))()),
    [500, null, 'Error: disk full'],
    unavailable,
  );
  compare(
    'to destroy a session',
    async (library) => seen((await failAt(library, 'destroy', { unset: 'destroy' }))('/unset')),
    [200, null, 'handled'],
    unavailable,
  );
  compare(
    'and emits disconnect',
    async (library) => {
      const store = new library.MemoryStore();
      const show: Handler = (req, res) => res.end(typeof req.session);
      const ask = await start(library, { store, saveUninitialized: true }, show);
      const { cookie } = await ask();
      store.emit('disconnect');
      const during = await seen(ask('/', cookie));
      store.emit('connect');
      return [during, await seen(ask('/', cookie))];
    },
    [
      [200, null, 'undefined'],
      [200, null, 'object'],
    ],
    [unavailable, [200, null, 'object']],
  );
});

describe('requests of one session at the same time', () => {
  /** `/slow` waits between reading and writing while `during` runs. */
  const overlap = async (library: Library, options: Options, during: string): Promise<string> => {
    const [began, goOn] = [gate(), gate()];
    const wait = (res: ServerResponse): void => {
      began.open();
      void goOn.opened.then(() => res.end());
    };
    const handlers: Record<string, Handler> = {
      '/begin': (req, res) => {
        req.session.userId = 'ann';
        res.end();
      },
      '/slow': (req, res) => {
        req.session.userId = 'bob';
        wait(res);
      },
      '/slow-reader': (_, res) => wait(res),
      '/count': count,
      '/end': (req, res) => void req.session.destroy(() => res.end()),
      '/show': ({ session }, res) => res.end(JSON.stringify([session.count ?? null, session.userId ?? null])),
    };
    const ask = await start(library, options, (req, res) => handlers[req.url ?? '']?.(req, res));
    const { cookie } = await ask('/begin');
    const slow = ask(options.resave ? '/slow-reader' : '/slow', cookie);
    await began.opened;
    await ask(during, cookie);
    goOn.open();
    await slow;
    return (await ask('/show', cookie)).body;
  };

  compare('that change different properties', (library) => overlap(library, {}, '/count'), '[null,"bob"]', '[1,"bob"]');
  compare(
    'when one only reads, with resave: true',
    (library) => overlap(library, { resave: true }, '/count'),
    '[null,"ann"]',
    '[1,"ann"]',
  );
  compare(
    'when one destroys it while the other changes it',
    (library) => overlap(library, {}, '/end'),
    '[null,"bob"]',
    '[null,null]',
  );
});

describe('the cookie', () => {
  compare(
    'whose expiry is not a valid date',
    async (library) => {
      const { status, cookie } = await (await start(library, { cookie: { expires: new Date(Number.NaN) } }))();
      return [status, cookie];
    },
    [200, ''],
    [500, ''],
  );
  compare(
    'at the next request, after a handler changed an attribute',
    async (library) => {
      const ask = await start(library, { rolling: true, cookie: { httpOnly: true } }, (req, res) => {
        if (req.url === '/') req.session.cookie.httpOnly = false;
        count(req, res);
      });
      const first = await ask();
      return [lineOf(first), lineOf(await ask('/later', first.cookie))].map((line) => line.includes('HttpOnly'));
    },
    [false, false],
    [false, true],
  );
  compare(
    'of a session that is created after writeHead',
    async (library) => {
      const ask = await start(library, {}, (req, res) => {
        res.writeHead(200);
        count(req, res);
      });
      return (await ask()).cookie !== '';
    },
    false,
    true,
  );
});

describe('a session', () => {
  compare(
    'has an id of this many characters',
    async (library) => idOf((await (await start(library, {}))()).cookie).length,
    32,
    43,
  );

  const liveFor = async (library: Library, options: Options, ms: number, step = ms): Promise<string> => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const ask = await start(library, options, look);
    const { cookie } = await ask();
    let last = '';
    for (let passed = 0; passed < ms; passed += step) {
      vi.setSystemTime(Date.now() + step);
      last = (await ask('/look', cookie)).body;
    }
    return last;
  };

  compare('without maxAge, after 25 hours without a request', (library) => liveFor(library, {}, 25 * hourMs), '1', '0');
  compare(
    'with a request each day, after 31 days',
    (library) => liveFor(library, { cookie: { maxAge: 2 * dayMs } }, 31 * dayMs, dayMs),
    '1',
    '0',
  );
  compare(
    'with properties named `update` and `endOthers`',
    async (library) => {
      const ask = await start(library, {}, (req, res) => {
        if (req.url === '/') Object.assign(req.session, { count: 1, update: 'x', endOthers: 'y' });
        res.end(Object.keys(req.session).sort().join());
      });
      const { cookie } = await ask();
      return (await ask('/look', cookie)).body;
    },
    'cookie,count,endOthers,update',
    'cookie,count',
  );
  compare(
    'in the store without a cookie',
    async (library) => {
      const store = new library.MemoryStore();
      const ask = await start(library, { store });
      const { cookie } = await ask();
      await new Promise<void>((resolve) => store.set(idOf(cookie), { count: 5 } as never, () => resolve()));
      const { status, body } = await ask('/', cookie);
      return [status, status === 200 ? body : body.split(':')[0]];
    },
    [500, 'TypeError'],
    [200, '6'],
  );
});

describe('a response', () => {
  compare(
    'of a handler that read the session has these cache headers',
    async (library) => {
      const { headers } = await (await start(library, {}, look))('/look');
      return [headers['cache-control'] ?? null, headers.vary ?? null];
    },
    [null, null],
    ['private, no-store', 'Cookie'],
  );
  compare(
    'whose session the store fails to save calls next this many times',
    async (library) => {
      const store = new library.MemoryStore();
      let calls = 0;
      const session = library.create({ ...usual, store });
      const counting: Middleware = (req, res, next) =>
        session(req, res, (error) => {
          calls += 1;
          if (calls === 1) next(error);
        });
      vi.spyOn(store, 'set').mockImplementation(broken as never);
      await (await listen(count, counting))();
      await new Promise((resolve) => setImmediate(resolve));
      return calls;
    },
    2,
    1,
  );
});

import type { Express } from 'express';
import { expect, test } from 'vitest';
import { change, gate, openStore, type Site, startSite } from './support.ts';

function routes(app: Express): void {
  app.get('/login', (req, res) => {
    Object.assign(req.session, { userId: 'ann', count: 0 });
    res.send(req.sessionID);
  });
  app.get('/set/:key', (req, res) => {
    req.session[req.params.key] = 1;
    res.send('set');
  });
  app.get('/save/:key', (req, res) => {
    req.session[req.params.key] = 1;
    req.session.save(() => res.send('saved'));
  });
  app.get('/count/:key', async (req, res) => {
    await req.session.update((data) => {
      data.count = (data.count ?? 0) + 1;
    });
    res.send(String(req.session.count));
  });
  app.get('/store/:key', (req, res) => {
    req.sessionStore.get(req.sessionID, (_, found) => {
      const data = found as unknown as Record<string, unknown>;
      data[req.params.key] = 1;
      req.sessionStore.set(req.sessionID, data as never, () => res.send('stored'));
    });
  });
  app.get('/large/:key', (req, res) => {
    req.session[req.params.key] = 'x'.repeat(300 * 1024);
    res.send('not sent');
  });
  app.get('/throw/:key', async (req, res) => {
    const outcome = await req.session
      .update((data) => {
        Object.assign(data, { count: -1 });
        throw new Error('in the function');
      })
      .catch(String);
    res.send(outcome);
  });
  app.get('/logout', (req, res) => {
    req.session.destroy(() => res.send('out'));
  });
  app.get('/show', ({ session: { cookie: _, ...data } }, res) => res.json(data));
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

interface Started {
  site: Site;
  ask: Site['request'];
  /** The result of each write: false when the record had changed since it was read. */
  writes: boolean[];
  calls: { read: number; update: number };
  /** Each write waits for `until`, each delete for `delete`. */
  hold: { until?: (() => Promise<void>) | undefined; delete?: Promise<void> };
}

async function start(): Promise<Started> {
  const store = await openStore();
  const writes: boolean[] = [];
  const calls = { read: 0, update: 0 };
  const hold: Started['hold'] = {};
  const driver = change(store, {
    read: async (key) => {
      const found = await store.read(key);
      calls.read += 1;
      return found;
    },
    delete: async (key) => {
      await hold.delete;
      await store.delete(key);
    },
    update: async (...args) => {
      calls.update += 1;
      await hold.until?.();
      const isDone = await store.update(...args);
      writes.push(isDone);
      return isDone;
    },
  });
  const site = await startSite(routes, { driver });
  const { cookie } = await site.request('/login');
  return { site, ask: (path) => site.request(path, { headers: { Cookie: cookie } }), writes, calls, hold };
}

test.each(['set', 'save', 'count', 'store', 'set save count store'])(
  '32 concurrent changes of one session (%s) do not conflict',
  async (names) => {
    const kinds = names.split(' ');
    const { ask, writes } = await start();
    const client = async (n: number): Promise<number[]> => {
      const statuses: number[] = [];
      for (const round of numbers(5)) {
        const { status } = await ask(`/${kinds[(n + round) % kinds.length]}/k${n}r${round}`);
        statuses.push(status);
      }
      return statuses;
    };
    const statuses = (await Promise.all(numbers(32).map(client))).flat();
    expect(statuses).toEqual(numbers(160).map(() => 200));
    // A request may have read the session before an earlier write, so its first write may fail, but not a second one.
    expect(writes.join(' ')).not.toContain('false false');
    const { count, userId, ...set } = JSON.parse((await ask('/show')).body);
    expect([userId, count + Object.keys(set).length]).toEqual(['ann', 160]);
  },
);

const patience = { timeout: 10_000 };

type Outcome = [status: number, body: string];

/** Resolves after the handlers, which run as soon as their sessions are read. */
const nextTurn = (): Promise<unknown> => new Promise(setImmediate);

/**
 * Sends requests while the write of a first one is held, so that they wait for it.
 * @param handled resolves once the handlers of the requests have run
 */
async function askAtOnce(
  { ask, hold, calls }: Started,
  paths: string[],
  { afterwards = hold.until, handled = nextTurn }: { afterwards?: () => Promise<void>; handled?: () => unknown } = {},
): Promise<Outcome[]> {
  const { opened, open } = gate();
  // Destroy the session only after all requests have read it.
  const reads = gate();
  hold.until = () => opened;
  hold.delete = reads.opened;
  const get = async (path: string): Promise<Outcome> => {
    const { status, body } = await ask(path);
    return [status, body];
  };
  const first = get('/set/first');
  await expect.poll(() => calls.update, patience).toBe(1);
  const rest = paths.map(get);
  await expect.poll(() => calls.read, patience).toBe(1 + paths.length);
  reads.open();
  await handled();
  hold.until = afterwards;
  open();
  return Promise.all([first, ...rest]);
}

test('waiting changes are stored by one write, so no change waits for many others', async () => {
  const started = await start();
  const responses = await askAtOnce(
    started,
    numbers(40).map((n) => `/count/${n}`),
  );
  expect(started.writes).toEqual([true, true]);
  expect(
    responses
      .slice(1)
      .map(([, body]) => Number(body))
      .sort((a, b) => a - b),
  ).toEqual(numbers(40).map((n) => n + 1));
});

test('a change that cannot be stored does not affect other waiting changes', async () => {
  const started = await start();
  const responses = await askAtOnce(started, ['/set/a', '/large/b', '/count/c', '/throw/d', '/set/e', '/count/f']);
  expect(responses.map(([status]) => status)).toEqual([200, 200, 500, 200, 200, 200, 200]);
  expect(responses[4]).toEqual([200, 'Error: in the function']);
  expect(JSON.parse((await started.ask('/show')).body)).toEqual({ userId: 'ann', count: 2, first: 1, a: 1, e: 1 });
});

test('waiting changes fail when the store fails, and later changes are stored', async () => {
  const started = await start();
  const down = (): Promise<never> => Promise.reject(new Error('disk full'));
  const responses = await askAtOnce(started, ['/set/a', '/count/b'], { afterwards: down });
  expect(responses.map(([status]) => status)).toEqual([200, 503, 503]);
  delete started.hold.until;
  expect((await started.ask('/count/c')).body).toBe('1');
});

test('waiting changes do not restore a session that is destroyed meanwhile', async () => {
  const started = await start();
  const isEnded = (): Promise<void> => expect.poll(() => started.site.records(), patience).toEqual([]);
  const responses = await askAtOnce(started, ['/set/a', '/logout', '/count/b', '/save/c'], { handled: isEnded });
  expect(responses.map(([status]) => status)).toEqual([200, 200, 200, 200, 200]);
  expect(await started.site.records()).toEqual([]);
  const lost = started.site.log.filter(({ message }) => message.startsWith('a change of a session was not saved'));
  expect(lost).toHaveLength(4);
});

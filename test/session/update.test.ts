import { expect, onTestFinished, test } from 'vitest';
import { change, dayMs, openStore, startSite } from './support.ts';

function watchRejections(): unknown[] {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  return unhandled;
}

const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

test('an update that is not awaited does not crash the process when the store fails; an awaited update rejects', async () => {
  const unhandled = watchRejections();
  const driver = change(await openStore(), { create: () => Promise.reject(new Error('disk full')) });
  const heard: unknown[] = [];
  const site = await startSite(
    (app) => {
      app.get('/unawaited', (req, res) => {
        req.session.update((data) => Object.assign(data, { count: 1 }));
        res.send('not sent');
      });
      app.get('/awaited', async (req, res) => {
        await req.session.update((data) => Object.assign(data, { count: 1 })).catch((error) => heard.push(error.name));
        res.send('not sent');
      });
    },
    { driver },
  );
  for (const path of ['/unawaited', '/awaited']) expect((await site.request(path)).status).toBe(503);
  await aWhile();
  expect(heard).toEqual(['StoreUnavailable']);
  expect(unhandled).toEqual([]);
});

test.each<[string, (data: object) => Promise<void>]>([
  [
    'changes something after an await',
    async (data) => {
      await aWhile();
      Object.assign(data, { count: 1 });
    },
  ],
  ['throws', () => Promise.reject(new Error('in the function'))],
])('an update with an async function that %s is rejected and stores nothing', async (_, wrong) => {
  const unhandled = watchRejections();
  const heard: unknown[] = [];
  const site = await startSite((app) =>
    app.get('/', async (req, res) => {
      await req.session.update(wrong).catch((error) => heard.push(String(error)));
      res.send();
    }),
  );
  await site.request('/');
  await aWhile();
  expect(heard).toEqual([expect.stringMatching(/^TypeError: req\.session\.update needs a function that is not async/)]);
  expect(await site.records()).toEqual([]);
  expect(unhandled).toEqual([]);
});

test('an update keeps the session’s unchanged objects, and shows the changed ones', async () => {
  const site = await startSite((app) => {
    app.get('/begin', (req, res) => {
      Object.assign(req.session, { cart: { books: [] }, list: [1], old: 1 });
      res.send();
    });
    app.get('/update', async (req, res) => {
      const { cart } = req.session as unknown as { cart: { books: string[] } };
      await req.session.update((data) => {
        data.list?.push(2);
        delete data.old;
      });
      cart.books.push('Emma');
      res.json([req.session.list, 'old' in req.session]);
    });
  });
  const browse = site.browser();
  await browse('/begin');
  expect((await browse('/update')).body).toBe('[[1,2],false]');
  expect((await site.records()).map(({ data }) => JSON.parse(data))).toEqual([
    { cart: { books: ['Emma'] }, list: [1, 2] },
  ]);
});

test.each<[string, (data: Record<string, unknown>) => unknown]>([
  ['makes the session too large', (data) => Object.assign(data, { big: 'x'.repeat(300 * 1024) })],
  ['has a value that JSON cannot represent', (data) => Object.assign(data, { value: 1n })],
  ['is async', async (data) => Object.assign(data, { value: 1 })],
  ['throws', (data) => Object.assign(data, { value: (data.missing as { key: string }).key })],
])('an update that %s gives a 500 when it is not awaited, and rejects when it is', async (_, wrong) => {
  const unhandled = watchRejections();
  const site = await startSite((app) => {
    app.get('/unawaited', (req, res) => {
      void req.session.update(wrong);
      res.send('not sent');
    });
    app.get('/awaited', async (req, res) => {
      const heard = await req.session.update(wrong).then(
        () => 'done',
        () => 'failed',
      );
      res.send(heard);
    });
  });
  expect((await site.request('/unawaited')).status).toBe(500);
  expect(site.log).toMatchObject([{ level: 'error', detail: { err: expect.any(Error) } }]);
  expect(await site.request('/awaited')).toMatchObject({ status: 200, body: 'failed' });
  expect(await site.records()).toEqual([]);
  await aWhile();
  expect(unhandled).toEqual([]);
});

test('an update finds the owner in the JSON form of the data, where an id with toJSON is a string', async () => {
  const site = await startSite((app) => {
    app.get('/login', async (req, res) => {
      await req.session.update((data) => Object.assign(data, { userId: { toJSON: () => 'ann' } }));
      res.send();
    });
  });
  await site.request('/login');
  expect(await site.records()).toMatchObject([{ owner: 'ann', expiresAtMs: site.clock.now + dayMs }]);
});

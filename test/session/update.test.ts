import { expect, onTestFinished, test } from 'vitest';
import { change, openStore, startSite } from './support.ts';

function watchRejections(): unknown[] {
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', note);
  onTestFinished(() => void process.off('unhandledRejection', note));
  return unhandled;
}

const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

test('an update that nobody awaits ends no process when the store fails; who awaits it hears of it', async () => {
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
    'changes something after it has waited',
    async (data) => {
      await aWhile();
      Object.assign(data, { count: 1 });
    },
  ],
  ['throws', () => Promise.reject(new Error('in the function'))],
])('an update with an async function that %s is refused, and stores nothing', async (_, wrong) => {
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
  expect(heard).toEqual([expect.stringMatching(/^TypeError: req\.session\.update takes a function that is not async/)]);
  expect(await site.records()).toEqual([]);
  expect(unhandled).toEqual([]);
});

test('an update leaves alone the objects of the session that it does not change, and shows what it does', async () => {
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

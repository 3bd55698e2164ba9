import { Readable } from 'node:stream';
import type { Request, Response } from 'express';
import { expect, test } from 'vitest';
import { change, openStore, type Site, startSite } from './support.ts';

type Handler = (req: Request, res: Response) => unknown;
type Change = (req: Request) => unknown;

const wait = (ms = 20): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Ways in which a response begins before the session is changed, and ends after. */
const streams: [string, begin: Handler, end: Handler, body: string][] = [
  ['res.write', (_, res) => res.write('a'), (_, res) => res.end('b'), 'ab'],
  ['res.write and an empty end', (_, res) => res.write('a'), (_, res) => res.end(), 'a'],
  ['res.flushHeaders', (_, res) => res.flushHeaders(), (_, res) => res.end('b'), 'b'],
  ['res.writeHead and res.write', (_, res) => res.writeHead(200).write('a'), (_, res) => res.end('b'), 'ab'],
  ['events', (_, res) => res.type('text/event-stream').write('data: a\n\n'), (_, res) => res.end(), 'data: a\n\n'],
  ['a stream', (_, res) => res.write('a'), (_, res) => Readable.from(['b', 'c']).pipe(res), 'abc'],
];

/** A site whose store can fail to write, with `/login` and `/show`. */
async function start(handler: Handler): Promise<{ site: Site; browse: Site['request']; store: { isDown: boolean } }> {
  const driver = await openStore();
  const store = { isDown: false };
  const update: typeof driver.update = async (...args) => {
    await wait();
    return store.isDown ? Promise.reject(new Error('disk full')) : driver.update(...args);
  };
  const site = await startSite(
    (app) => {
      app.get('/login', (req, res) => {
        Object.assign(req.session, { userId: 'ann', old: 1 });
        res.send();
      });
      app.get('/show', ({ session: { cookie: _, ...data } }, res) => res.json(data));
      app.get('/', handler);
    },
    { driver: change(driver, { update }) },
  );
  const browse = site.browser();
  return { site, browse, store };
}

const streamed =
  (begin: Handler, change: Change, end: Handler): Handler =>
  async (req, res) => {
    begin(req, res);
    await wait();
    await change(req);
    end(req, res);
  };

test.each(streams)(
  'a change after the first byte (%s) is saved before the last byte is sent',
  async (_, begin, end, body) => {
    const { site, browse } = await start(streamed(begin, ({ session }) => Object.assign(session, { after: 1 }), end));
    await browse('/login');
    expect((await browse('/')).body).toBe(body);
    expect(await site.records()).toMatchObject([{ data: '{"userId":"ann","old":1,"after":1}' }]);
    expect((await browse('/', { method: 'HEAD' })).status).toBe(200);
    expect(site.log).toEqual([]);
  },
);

test.each(streams)(
  'if a change after the first byte (%s) cannot be saved, the connection is closed',
  async (_, begin, end) => {
    const { site, browse, store } = await start(
      streamed(begin, ({ session }) => Object.assign(session, { after: 1 }), end),
    );
    await browse('/login');
    store.isDown = true;
    await expect(browse('/')).rejects.toThrow();
    expect(site.log).toMatchObject([{ message: 'the session could not be saved: the connection was closed' }]);
    store.isDown = false;
    expect((await browse('/show')).body).toBe('{"userId":"ann","old":1}');
  },
);

const writeFirst: Handler = (_, res) => res.write('a');
const endLast: Handler = (_, res) => res.end('b');

test.each<[string, Change, expected: object]>([
  ['deletes a property', ({ session }) => Reflect.deleteProperty(session, 'old'), { userId: 'ann' }],
  ['changes an object in place', ({ session }) => Object.assign(session, { old: [1] }).old.push(2), { old: [1, 2] }],
  ['changes a lifetime', ({ session }) => Object.assign(session.cookie, { maxAge: 60_000 }), { old: 1 }],
  [
    'updates and assigns',
    async ({ session }) => {
      await session.update((data) => Object.assign(data, { count: 1 }));
      session.after = 2;
    },
    { count: 1, after: 2 },
  ],
])('the change of a handler that %s after the first byte is saved', async (_, act, expected) => {
  const { site, browse } = await start(streamed(writeFirst, act, endLast));
  await browse('/login');
  const before = (await site.records())[0]?.data;
  expect((await browse('/')).body).toBe('ab');
  expect(JSON.parse((await browse('/show')).body)).toMatchObject(expected);
  expect((await site.records())[0]?.data).not.toBe(before);
  expect(site.log).toEqual([]);
});

test('a session that is created before its response can be changed after the first byte', async () => {
  const { browse, site } = await start(async (req, res) => {
    req.session.count = 1;
    res.write('a');
    req.session.count = 2;
    await wait();
    req.session.after = 3;
    res.end('b');
  });
  expect((await browse('/')).body).toBe('ab');
  expect((await browse('/show')).body).toBe('{"count":2,"after":3}');
  expect(site.log).toEqual([]);
});

test.each<[string, Change]>([
  ['a value that JSON cannot represent', ({ session }) => Object.assign(session, { after: 1n })],
  ['too much', ({ session }) => Object.assign(session, { after: 'x'.repeat(300 * 1024) })],
  ['a value that is not a session', (req) => Object.assign(req, { session: { after: 1 } })],
])('if a handler stores %s after the first byte, the connection is closed', async (_, act) => {
  const { site, browse } = await start(streamed(writeFirst, act, endLast));
  await browse('/login');
  await expect(browse('/')).rejects.toThrow();
  expect(site.log).toMatchObject([{ message: 'the session could not be saved: the connection was closed' }]);
  expect((await browse('/show')).body).toBe('{"userId":"ann","old":1}');
});

test.each<[string, login: boolean, Change]>([
  ['begins', false, ({ session }) => Object.assign(session, { after: 1 })],
  [
    'is created and saved',
    false,
    ({ session }) => new Promise((resolve) => Object.assign(session, { after: 1 }).save(resolve)),
  ],
  [
    'is regenerated',
    true,
    async (req) => {
      await new Promise((resolve) => req.session.regenerate(resolve));
      req.session.after = 1;
    },
  ],
])(
  'a session that %s after the first byte is an error in the log: its cookie cannot be sent',
  async (_, login, act) => {
    const { site, browse } = await start(streamed(writeFirst, act, endLast));
    if (login) await browse('/login');
    expect(await browse('/')).toMatchObject({ body: 'ab', cookie: '' });
    expect(site.log).toMatchObject([{ level: 'error', message: expect.stringContaining('after the first byte') }]);
    expect((await browse('/show')).body).toBe('{}');
  },
);

test('a session that is destroyed after the first byte stays destroyed', async () => {
  const { site, browse } = await start(
    streamed(writeFirst, (req) => new Promise((resolve) => req.session.destroy(resolve)), endLast),
  );
  await browse('/login');
  expect((await browse('/')).body).toBe('ab');
  expect(await site.records()).toEqual([]);
  expect(site.log).toEqual([]);
});

/** Makes the second change while the first one is being saved. */
const changeTwice =
  (end: Handler): Handler =>
  (req, res) => {
    req.session.before = 1;
    end(req, res);
    req.session.after = 2;
  };

test.each<[string, Handler, body: string]>([
  ['res.end', (_, res) => res.end('a'), 'a'],
  ['res.send', (_, res) => res.send('a'), 'a'],
  ['res.json', (_, res) => res.json({ a: 1 }), '{"a":1}'],
  ['an empty end', (_, res) => res.status(204).end(), ''],
])('a change after %s, while an earlier change is being saved, is saved before the response', async (_, end, body) => {
  const { site, browse } = await start(changeTwice(end));
  await browse('/login');
  expect(await browse('/')).toMatchObject({ body });
  expect(await site.records()).toMatchObject([{ data: '{"userId":"ann","old":1,"before":1,"after":2}' }]);
  expect(site.log).toEqual([]);
});

import { pbkdf2 } from 'node:crypto';
import { createReadStream, type ReadStream } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Request, Response } from 'express';
import { expect, test } from 'vitest';
import { change, gate, openStore, startSite } from './support.ts';

const derive = promisify(pbkdf2);
const file = import.meta.filename;
const big = 'x'.repeat(300_000);

type Handler = (req: Request, res: Response) => unknown;

const forms: [string, Handler][] = [
  ['res.send', (_, res) => res.send('done')],
  ['res.json', (_, res) => res.status(201).json({ done: true })],
  ['res.redirect', (_, res) => res.redirect('/next')],
  ['res.end', (_, res) => res.end()],
  ['res.end with text', (_, res) => res.end('done')],
  ['res.end with an encoding', (_, res) => res.end('646f6e65', 'hex')],
  ['res.end with a callback', (_, res) => res.end(() => undefined)],
  ['res.write and res.end', (_, res) => [res.write('do'), res.write('ne'), res.end()]],
  ['res.writeHead', (_, res) => res.writeHead(202, { 'X-Of-Handler': 'yes' }).end('done')],
  ['res.writeHead with a list', (_, res) => res.writeHead(202, 'Fine', ['X-Of-Handler', 'yes'] as never).end('done')],
  ['res.flushHeaders', (_, res) => [res.flushHeaders(), res.end('done')]],
  ['a stream', (_, res) => createReadStream(file).pipe(res)],
  ['a pipeline', (_, res) => pipeline(createReadStream(file), res)],
  ['a large body in parts', (_, res) => [res.write(big), res.write(big), res.end(big)]],
  ['res.sendFile', (_, res) => res.sendFile(file)],
  ['204', (_, res) => res.status(204).end()],
  ['304', (_, res) => res.status(304).end()],
  ['a late response', (_, res) => setTimeout(() => res.send('done'), 5)],
];

for (const method of ['GET', 'HEAD']) {
  test.each(forms)(
    `${method}: a response by %s is the same with a session, and is sent after the commit`,
    async (_, form) => {
      const store = await openStore();
      const order: string[] = [];
      const driver = change(store, {
        create: async (key, record) => {
          await new Promise((resolve) => setTimeout(resolve, 30));
          const created = await store.create(key, record);
          order.push('saved');
          return created;
        },
      });
      const site = await startSite(
        (app) => {
          app.get('/plain', form);
          app.get('/', (req, res) => {
            req.session.count = 1;
            return form(req, res);
          });
        },
        { driver },
      );
      const plain = await site.request('/plain', { method });
      const response = await site.request('/', { method }).finally(() => order.push('received'));
      expect(order).toEqual(['saved', 'received']);
      expect([response.status, response.body]).toEqual([plain.status, plain.body]);
      const own = ['set-cookie', 'cache-control', 'vary', 'date', 'connection', 'transfer-encoding'];
      const rest = Object.entries(plain.headers).filter(([name]) => !own.includes(name));
      expect(response.headers).toMatchObject(Object.fromEntries(rest));
      expect(response.cookie).toMatch(/^sid=/);
      expect(site.log).toEqual([]);
    },
  );

  test.each(forms)(`${method}: when the save fails, no part of a response by %s is sent`, async (_, form) => {
    const driver = change(await openStore(), { create: () => Promise.reject(new Error('disk full')) });
    const site = await startSite(
      (app) =>
        app.get('/', (req, res) => {
          req.session.count = 1;
          res.set({ 'X-Of-Handler': 'yes', ETag: '"1"' }).cookie('other', '1');
          return Promise.resolve(form(req, res)).catch(() => undefined);
        }),
      { driver, before: (app) => app.use((_req, res, next) => next(res.set('X-Of-Server', 'yes') && undefined)) },
    );
    const response = await site.request('/', { method });
    expect(response.status).toBe(503);
    expect(response.headers['retry-after']).toMatch(/^\d+$/);
    expect(response.headers['x-of-server']).toBe('yes');
    for (const name of ['x-of-handler', 'etag', 'set-cookie', 'location', 'last-modified']) {
      expect(response.headers).not.toHaveProperty(name);
    }
    expect(response.body).toBe(
      method === 'HEAD' ? '' : 'Sessions are not available at the moment. Try again shortly.\n',
    );
    expect(site.log).toMatchObject([{ level: 'error', detail: { err: { cause: { message: 'disk full' } } } }]);
  });
}

test('a file stream for a response that is not sent is closed', async () => {
  const driver = change(await openStore(), { create: () => Promise.reject(new Error('disk full')) });
  const sources: ReadStream[] = [];
  const site = await startSite(
    (app) =>
      app.get('/', (req, res) => {
        req.session.count = 1;
        const source = createReadStream(file, { highWaterMark: 16 });
        sources.push(source);
        source.pipe(res);
      }),
    { driver },
  );
  expect((await site.request('/')).status).toBe(503);
  await expect.poll(() => sources.map(({ destroyed }) => destroyed)).toEqual([true]);
});

test('a stream that sends the headers early continues', async () => {
  const site = await startSite((app) =>
    app.get('/', (req, res) => {
      req.session.count = 1;
      // It gets backpressure after its first chunk.
      Readable.from(['a', 'b', 'c'])
        .once('pause', () => res.flushHeaders())
        .pipe(res);
    }),
  );
  expect((await site.request('/')).body).toBe('abc');
});

test('store replies that arrived while the event loop was blocked are not an outage', async () => {
  const store = await openStore();
  let reads = 0;
  const site = await startSite(
    (app) => {
      app.get('/in', (req, res) => {
        req.session.count = 1;
        res.send('in');
      });
      app.get('/', (req, res) => res.send(String(req.session.count)));
    },
    {
      limits: { storeDeadlineMs: 500 },
      driver: change(store, {
        read: async (key) => {
          const found = await store.read(key);
          // Another thread replies, as a store does, while this thread computes.
          const response = derive('a', 'b', 50_000, 8, 'sha256');
          reads += 1;
          if (reads === 8) for (const endMs = performance.now() + 1000; performance.now() < endMs; );
          await response;
          return found;
        },
      }),
    },
  );
  const browse = site.browser();
  await browse('/in');
  const responses = await Promise.all(Array.from({ length: 8 }, () => browse('/')));
  expect(responses.map(({ status, body }) => [status, body])).toEqual(responses.map(() => [200, '1']));
});

test('a save that takes too long gives a 503 at the deadline', async () => {
  const driver = change(await openStore(), { create: () => new Promise(() => undefined) });
  const routes = (app: import('express').Express) =>
    app.get('/', (req, res) => {
      req.session.count = 1;
      res.send('done');
    });
  const site = await startSite(routes, { driver, limits: { storeDeadlineMs: 50 } });
  expect(await site.request('/')).toMatchObject({ status: 503, cookie: '' });
});

test.each<[string, (req: Request) => void]>([
  ['a BigInt', (req) => (req.session.value = 1n)],
  ['a cycle', (req) => (req.session.value = { req: [req.session] })],
  ['a toJSON that throws', (req) => (req.session.value = thrower)],
])('a session with %s gives a 500 immediately, and the log names the property', async (_, spoil) => {
  const site = await startSite((app) =>
    app.get('/', (req, res) => {
      spoil(req);
      res.set('X-Of-Handler', 'yes').send('done');
    }),
  );
  const response = await site.request('/');
  expect(response).toMatchObject({ status: 500, cookie: '', body: 'Something went wrong.\n' });
  expect(response.headers).not.toHaveProperty('x-of-handler');
  expect(site.log).toMatchObject([
    { level: 'error', detail: { err: { message: expect.stringContaining("'value'") } } },
  ]);
});

const thrower = {
  toJSON(): never {
    throw new Error('no JSON');
  },
};

test.each(['read', 'deadline'])('when the session cannot be read (%s), no handler runs', async (kind) => {
  const store = await openStore();
  let isBroken = false;
  const fail = kind === 'read' ? () => Promise.reject(new Error('gone')) : () => new Promise<never>(() => undefined);
  const driver = change(store, { read: (key) => (isBroken ? fail() : store.read(key)) });
  let runs = 0;
  const site = await startSite(
    (app) =>
      app.get('/', (req, res) => {
        runs += 1;
        req.session.count = runs;
        res.send(String(runs));
      }),
    { driver, limits: { storeDeadlineMs: 500 } },
  );
  const browse = site.browser();
  await browse('/');
  isBroken = true;
  expect(await browse('/')).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  isBroken = false;
  expect((await browse('/')).body).toBe('2');
});

test('a stream begins after the commit', async () => {
  const { opened, open } = gate();
  const site = await startSite((app) => {
    app.get('/', async (req, res) => {
      req.session.count = 1;
      res.write('first ');
      await opened;
      res.end('last');
    });
  });
  const response = site.request('/');
  while ((await site.records()).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  open();
  expect((await response).body).toBe('first last');
});

test('while a stream waits for the save, it gets backpressure instead of being buffered in memory', async () => {
  const { opened, open } = gate();
  const store = await openStore();
  const driver = change(store, { create: (key, record) => opened.then(() => store.create(key, record)) });
  let results: boolean[] = [];
  const site = await startSite(
    (app) =>
      app.get('/', (req, res) => {
        req.session.count = 1;
        results = [res.write('a'), res.headersSent];
        res.once('drain', () => res.end('b'));
        open();
      }),
    { driver },
  );
  expect((await site.request('/')).body).toBe('ab');
  expect(results).toEqual([false, true]);
});

test('a second response does not change the first, which still waits for the save', async () => {
  const errors: unknown[] = [];
  const site = await startSite((app) =>
    app.get('/', (req, res) => {
      req.session.count = 1;
      res.send('first');
      try {
        res.status(500).send('the second one');
      } catch (error) {
        errors.push(error);
      }
    }),
  );
  expect(await site.request('/')).toMatchObject({ status: 200, body: 'first' });
  expect(errors).toMatchObject([{ code: 'ERR_HTTP_HEADERS_SENT' }]);
});

test('a logout that fails in the store is not reported as a success', async () => {
  const driver = change(await openStore(), { delete: () => Promise.reject(new Error('gone')) });
  const site = await startSite(
    (app) => {
      app.get('/', (req, res) => {
        req.session.count = 1;
        res.send('in');
      });
      app.get('/logout', (req, res) => {
        req.session.destroy(() => res.send('out'));
      });
    },
    { driver },
  );
  const browse = site.browser();
  await browse('/');
  expect((await browse('/logout')).status).toBe(503);
});

test.each<[string, Handler, number | undefined, string]>([
  ['that was partly sent', (_, res) => [res.write('a'), res.write(5)], undefined, 'the connection was closed'],
  [
    'with an invalid status',
    (_, res) => Object.assign(res, { statusCode: 99 }).end(),
    500,
    'a 500 response was sent instead',
  ],
])(
  'a response %s that cannot be sent is not blamed on the session, and the log says why',
  async (_, form, status, end) => {
    const site = await startSite((app) => {
      app.get('/', (req, res) => {
        req.session.count = 1;
        return form(req, res);
      });
    });
    const response = await site.request('/').catch(() => undefined);
    expect(response?.status).toBe(status);
    expect(site.log).toMatchObject([
      {
        level: 'error',
        detail: { err: expect.any(Error) },
        message: expect.stringContaining(`the response could not be sent: ${end}`),
      },
    ]);
    expect(await site.records()).toHaveLength(1);
  },
);

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test.each<[string, Handler]>([
  ['saves', (req) => Object.assign(req.session, { count: 1 }).save()],
  ['updates', (req) => req.session.update((data) => Object.assign(data, { count: 1 }))],
])('a stream that %s after its first byte ends after the change is stored, or is cut off', async (_, change_) => {
  const store = await openStore();
  let isDown = false;
  const driver = change(store, {
    update: async (...args) => {
      await wait(100);
      return isDown ? Promise.reject(new Error('down')) : store.update(...args);
    },
  });
  const site = await startSite(
    (app) => {
      app.get('/login', (req, res) => {
        req.session.userId = 'ann';
        res.send();
      });
      app.get('/', async (req, res) => {
        res.write('a');
        await wait(20);
        change_(req, res);
        res.end('b');
      });
    },
    { driver },
  );
  const browse = site.browser();
  await browse('/login');
  expect((await browse('/')).body).toBe('ab');
  expect(await site.records()).toMatchObject([{ data: '{"userId":"ann","count":1}' }]);
  expect(site.log).toEqual([]);
  isDown = true;
  await expect(browse('/')).rejects.toThrow();
  expect(site.log).toMatchObject([{ message: 'the session could not be saved: the connection was closed' }]);
});

test('hooks on the headers of a response run before `headersSent` is true', async () => {
  const site = await startSite((app) => {
    app.use((_req, res, next) => {
      const { writeHead, write } = res;
      let isTold = false;
      res.writeHead = function told(...args: unknown[]) {
        isTold = true;
        return Reflect.apply(writeHead, this, args);
      };
      res.write = function written(text: unknown, ...args: unknown[]) {
        if (!res.headersSent) res.writeHead(res.statusCode);
        return Reflect.apply(write, this, [`${text} ${isTold}`, ...args]);
      };
      next();
    });
    app.get('/:key', (req, res) => {
      if (req.params.key === 'change') req.session.count = Date.now();
      res.flushHeaders();
      res.write('told:');
      res.end();
    });
  });
  for (const path of ['/change', '/read']) expect((await site.request(path)).body).toBe('told: true');
});

test.each<[string, Handler]>([
  ['the end', (_, res) => new Promise((resolve) => res.end('done', resolve as () => void))],
  ['a chunk', (_, res) => new Promise((resolve) => res.write('done', resolve))],
  ['a web stream', (_, res) => new Response('done').body?.pipeTo(Writable.toWeb(res))],
  [
    'a late web stream',
    async (_, res) => {
      await wait(20);
      await new Response('done').body?.pipeTo(Writable.toWeb(res));
    },
  ],
])('a handler that waits for %s of a response that is not sent continues', async (_, form) => {
  const down = (): Promise<never> => wait(20).then(() => Promise.reject(new Error('down')));
  const driver = change(await openStore(), { create: down });
  for (const [value, status] of [
    [1, 503],
    [1n, 500],
  ] as const) {
    let goesOn = (): void => undefined;
    const gone = new Promise<void>((resolve) => {
      goesOn = resolve;
    });
    const site = await startSite(
      (app) => {
        app.get('/', (req, res) => {
          req.session.value = value;
          Promise.resolve(form(req, res)).then(goesOn, goesOn);
        });
      },
      { driver },
    );
    expect((await site.request('/')).status).toBe(status);
    await gone;
  }
});

test('if the end of a stream cannot be sent while the session is still being saved, the process does not crash', async () => {
  const site = await startSite((app) => {
    app.get('/', (req, res) => {
      req.session.count = 1;
      res.write('a');
      req.session.save();
      res.end(5);
    });
  });
  await expect(site.request('/')).rejects.toThrow();
  expect(site.log).toMatchObject([
    { level: 'error', message: 'the response could not be sent: the connection was closed' },
  ]);
});

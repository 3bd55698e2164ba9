import type { Express } from 'express';
import { expect, test } from 'vitest';
import { createKeyring } from '../../src/session/cookie/signature.ts';
import { change, gate, openStore, type Site, type SiteOptions, secretOf, startSite } from './support.ts';

const [a, b, c] = [secretOf('a'), secretOf('b'), secretOf('c')];
const idOf = (secret: string): string => createKeyring(() => [secret])()[0].id;

interface Rotating extends Site {
  rotate(...secrets: string[]): void;
  /** Resolves when a slow request is in its handler. */
  begun: Promise<void>;
  /** Lets the slow requests continue. */
  open(): void;
  keyIds(): Promise<(string | undefined)[]>;
}

async function startRotating(options: SiteOptions = {}): Promise<Rotating> {
  const { opened, open } = gate();
  const { opened: begun, open: begin } = gate();
  const wait = (): Promise<void> => {
    begin();
    return opened;
  };
  let current = [a];
  const site = await startSite((app) => routes(app, wait), { secrets: () => current, ...options });
  const rotate = (...secrets: string[]): void => {
    current = secrets;
  };
  return { ...site, rotate, begun, open, keyIds: async () => (await site.records()).map(({ keyId }) => keyId) };
}

function routes(app: Express, wait: () => Promise<void>): void {
  app.get('/count', (req, res) => {
    req.session.count = (req.session.count ?? 0) + 1;
    res.json(req.session.count);
  });
  app.get('/login', (req, res) => {
    req.session.regenerate(() => {
      req.session.userId = 'ann';
      res.send();
    });
  });
  app.get('/show', (req, res) => res.json([req.session.userId ?? null, req.session.count ?? null]));
  app.get('/slow', async (_req, res) => {
    await wait();
    res.send();
  });
  app.get('/slow/count', async (req, res) => {
    await wait();
    req.session.count = 10;
    res.send();
  });
}

test('a session that each request changes gets the newer secret’s id once its client sends the new cookie', async () => {
  const site = await startRotating();
  const browse = site.browser();
  await browse('/count');
  site.rotate(b, a);
  expect((await browse('/count')).cookie).toMatch(/^sid=/);
  expect(await site.keyIds()).toEqual([idOf(a)]);
  expect((await browse('/count')).cookie).toBe('');
  expect(await site.keyIds()).toEqual([idOf(b)]);
  site.rotate(b);
  expect((await browse('/show')).body).toBe('[null,3]');
});

test.each(['/slow', '/slow/count'])(
  '%s during a rotation gets a new cookie, and the record keeps the old secret id',
  async (path) => {
    const site = await startRotating();
    const browse = site.browser();
    await browse('/count');
    const slow = browse(path);
    await site.begun;
    site.rotate(a, b);
    site.rotate(b, a);
    site.open();
    expect((await slow).cookie).toMatch(/^sid=/);
    expect(await site.keyIds()).toEqual([idOf(a)]);
    site.rotate(b);
    expect((await browse('/show')).body).toMatch(/^\[null,\d+\]$/);
  },
);

test('a change does not replace a newer secret id that another request has stored meanwhile', async () => {
  const site = await startRotating();
  const browse = site.browser();
  const { cookie } = await browse('/count');
  const slow = site.request('/slow/count', { headers: { Cookie: cookie } });
  await site.begun;
  site.rotate(b, a);
  await browse('/show');
  await browse('/count');
  site.open();
  await slow;
  expect(await site.keyIds()).toEqual([idOf(b)]);
});

test('the id of a secret that is removed before the response is not stored', async () => {
  const site = await startRotating();
  const browse = site.browser();
  await browse('/count');
  site.rotate(b, a);
  await browse('/show');
  const slow = browse('/slow');
  await site.begun;
  site.rotate(c);
  site.open();
  expect((await slow).cookie).toMatch(/^sid=/);
  expect(await site.keyIds()).toEqual([idOf(a)]);
});

test.each(['/slow', '/slow/count'])(
  'the response to %s does not replace the cookie of the session that a login created meanwhile',
  async (path) => {
    const site = await startRotating();
    const browse = site.browser();
    await browse('/count');
    site.rotate(b, a);
    const slow = browse(path);
    await site.begun;
    await browse('/login');
    site.open();
    expect(await slow).toMatchObject({ status: 200, cookie: '' });
    expect((await browse('/show')).body).toBe('["ann",null]');
  },
);

test('a read gets a new cookie only when the store confirms that the session still exists', async () => {
  const store = await openStore();
  let reads = 0;
  let isDown = false;
  const read: typeof store.read = (key) => {
    reads += 1;
    return isDown ? Promise.reject(new Error('down')) : store.read(key);
  };
  const site = await startRotating({ driver: change(store, { read }) });
  const browse = site.browser();
  await browse('/count');
  site.rotate(b, a);
  const slow = browse('/slow');
  await site.begun;
  isDown = true;
  site.open();
  expect(await slow).toMatchObject({ status: 200, cookie: '' });
  expect(site.log).toMatchObject([{ level: 'warn' }]);
  isDown = false;
  reads = 0;
  expect((await browse('/show')).cookie).toMatch(/^sid=/);
  expect(reads).toBe(2);
  await browse('/show');
  await browse('/show');
  expect(reads).toBe(4);
});

import type { Express } from 'express';
import { expect, test, vi } from 'vitest';
import { toOwner } from '../../src/stores/owner.ts';
import { change, dayMs, gate, hourMs, minuteMs, openStore, secretOf, startSite } from './support.ts';

/** The routes. `/slow` calls `begin`, and waits for `opened`. */
function routesWith(opened: Promise<void>, begin: () => void = () => undefined): (app: Express) => void {
  return (app) => {
    app.get('/set/:key/:value', (req, res) => {
      req.session[req.params.key as string] = req.params.value;
      res.send();
    });
    app.get('/read', (req, res) => res.json(req.session.userId ?? null));
    app.get('/slow', async (req, res) => {
      const { userId } = req.session;
      begin();
      await opened;
      res.json(userId ?? null);
    });
  };
}

test('a slow request that only reads does not restore a session that expires meanwhile', async () => {
  const { opened, open } = gate();
  const { opened: begun, open: begin } = gate();
  const site = await startSite(routesWith(opened, begin));
  const browse = site.browser();
  await browse('/set/userId/ann');
  site.clock.now += 3 * hourMs;
  const slow = browse('/slow');
  await begun;
  site.clock.now += dayMs;
  expect((await browse('/read')).body).toBe('null');
  open();
  expect((await slow).body).toBe('"ann"');
  expect((await browse('/read')).body).toBe('null');
});

test('a slow anonymous request does not shorten the session of a user who logs in meanwhile', async () => {
  const { opened, open } = gate();
  const { opened: begun, open: begin } = gate();
  const site = await startSite(routesWith(opened, begin));
  const browse = site.browser();
  await browse('/set/theme/dark');
  site.clock.now += 10 * minuteMs;
  const slow = browse('/slow');
  await begun;
  await browse('/set/userId/ann');
  open();
  await slow;
  expect(await site.records()).toMatchObject([{ expiresAtMs: site.clock.now + dayMs }]);
  site.clock.now += hourMs;
  expect((await browse('/read')).body).toBe('"ann"');
});

test('a session that already lasts until the absolute limit is not written again and again', async () => {
  const store = await openStore();
  const touch = vi.spyOn(store, 'touch');
  const site = await startSite(routesWith(Promise.resolve()), { driver: store });
  const browse = site.browser();
  await browse('/set/userId/ann');
  for (let hour = 0; hour < 30 * 24; hour += 23) {
    expect((await browse('/read')).body).toBe('"ann"');
    site.clock.now += 23 * hourMs;
  }
  touch.mockClear();
  const [record] = await site.records();
  for (const leftMs of [hourMs, minuteMs, 1000, 100, 10]) {
    site.clock.now = (record?.expiresAtMs ?? 0) - leftMs;
    expect((await browse('/read')).body).toBe('"ann"');
  }
  expect(touch).not.toHaveBeenCalled();
});

test('with a store that cannot write, requests that only read still work, also while a secret is rotated', async () => {
  const store = await openStore();
  const full = (): Promise<never> => Promise.reject(new Error('no space left'));
  let secrets = [secretOf('a')];
  let isFull = false;
  const driver = change(store, { update: (...args) => (isFull ? full() : store.update(...args)) });
  const site = await startSite(routesWith(Promise.resolve()), { driver, secrets: () => secrets });
  const browse = site.browser();
  await browse('/set/userId/ann');
  secrets = [secretOf('b'), secretOf('a')];
  await browse('/read');
  isFull = true;
  expect(await browse('/read')).toMatchObject({ status: 200, body: '"ann"' });
  expect(site.log).toMatchObject([{ level: 'warn', detail: { err: { cause: { message: 'no space left' } } } }]);
  expect((await browse('/set/theme/dark')).status).toBe(503);
});

test('an owner whose name ends with half a character is listed only by that name, and only while it has that name', async () => {
  const site = await startSite((app) =>
    app.get('/is/:name', (req, res) => {
      req.session.userId = decodeURIComponent(req.params.name as string) + (req.query.half ? '\ud83d' : '');
      res.send();
    }),
  );
  const browse = site.browser();
  await browse('/is/a?half=1');
  const listed = async (): Promise<string[]> => {
    const names = [];
    for (const name of ['a\ufffd', 'a\ud83d', 'a\ud83e', 'b'])
      for await (const _ of site.driver.list({ owner: toOwner(name) })) names.push(name);
    return names;
  };
  expect(await listed()).toEqual(['a\ud83d']);
  await browse('/is/b');
  expect(await listed()).toEqual(['b']);
});

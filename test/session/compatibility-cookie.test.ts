import type { IncomingMessage } from 'node:http';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { CookieOptions } from '../../src/session/index.ts';
import {
  type Ask,
  count,
  endOf,
  isInAnHour,
  libraries,
  lineOf,
  look,
  type Options,
  start as startWith,
} from './compatibility-support.ts';
import { hourMs, minuteMs } from './support.ts';

const https = { headers: { 'X-Forwarded-Proto': 'https' } };

// The README of express-session about the cookie and its attributes, tested with both libraries.
describe.each(libraries)('the cookie of %s', (_, library) => {
  const start = (options: Options, handle = count): Promise<Ask> => startWith(library, options, handle);

  test('without maxAge and expires it expires with the browser, and is sent once', async () => {
    const ask = await start({});
    const first = await ask();
    expect(lineOf(first)).toMatch(/; Path=\/; HttpOnly$/);
    expect(lineOf(await ask('/', first.cookie))).toBe('');
  });

  test('with maxAge it has an expiry, which each change of the session extends', async () => {
    const ask = await start({ cookie: { maxAge: hourMs } }, look);
    const first = await ask();
    expect(isInAnHour(lineOf(first))).toBe(true);
    expect(isInAnHour(lineOf(await ask('/', first.cookie)))).toBe(true);
    expect(lineOf(await ask('/look', first.cookie))).toBe('');
  });

  test('with expires it has that expiry', async () => {
    const expires = new Date(Date.now() + hourMs);
    expect(isInAnHour(lineOf(await (await start({ cookie: { expires } }))()))).toBe(true);
  });

  test('the option may be a function of the request', async () => {
    const cookie = ({ url = '' }: IncomingMessage): object => ({ path: url.startsWith('/shop') ? '/shop' : '/' });
    const ask = await start({ cookie });
    expect(lineOf(await ask('/shop/1'))).toMatch(/; Path=\/shop;/);
    expect(lineOf(await ask())).toMatch(/; Path=\/;/);
  });

  test('outside its path a request has no session', async () => {
    const ask = await start({ cookie: { path: '/shop' } }, (req, res) => {
      if (req.session) count(req, res);
      else res.end('no session');
    });
    const { cookie, body } = await ask('/shop/cart');
    expect(body).toBe('1');
    expect((await ask('/shop', cookie)).body).toBe('2');
    expect(await ask('/about', cookie)).toMatchObject({ body: 'no session', cookie: '' });
  });

  test.each([
    ['auto', https, 'None'],
    ['auto', {}, 'Lax'],
    ['strict', {}, 'Strict'],
    [true, {}, 'Strict'],
  ] as const)('sameSite %j with %j is %s', async (sameSite, options, expected) => {
    const ask = await start({ cookie: { sameSite }, proxy: true });
    expect(lineOf(await ask('/', '', options))).toContain(`; SameSite=${expected}`);
  });

  test('what a handler sets in req.session.cookie is sent', async () => {
    const ask = await start({ cookie: { secure: true } }, (req, res) => {
      Object.assign(req.session.cookie, { secure: false, httpOnly: false, path: '/shop', priority: 'high' });
      req.session.cookie.maxAge = hourMs;
      count(req, res);
    });
    const line = lineOf(await ask());
    expect(line).toMatch(/; Path=\/shop; Expires=[^;]+; Priority=High$/);
    expect(isInAnHour(line)).toBe(true);
  });

  test('a cookie that a handler makes secure is not sent over plain HTTP', async () => {
    const ask = await start({}, (req, res) => {
      req.session.cookie.secure = true;
      count(req, res);
    });
    expect(lineOf(await ask())).toBe('');
  });

  test.each<[CookieOptions, expected: RegExp]>([
    [{}, /; Path=\/; HttpOnly$/],
    [{ domain: 'shop.example' }, /; Domain=shop\.example;/],
    [{ httpOnly: false }, /^(?!.*HttpOnly)/],
    [{ httpOnly: true }, /; HttpOnly$/],
    [{ partitioned: true }, /; Partitioned/],
    [{ partitioned: false }, /^(?!.*Partitioned)/],
    [{ priority: 'low' }, /; Priority=Low/],
    [{ priority: 'medium' }, /; Priority=Medium/],
    [{ priority: 'high' }, /; Priority=High/],
    [{ sameSite: false }, /^(?!.*SameSite)/],
    [{ sameSite: 'lax' }, /; SameSite=Lax/],
    [{ sameSite: 'none' }, /; SameSite=None/],
    [{ secure: false }, /^(?!.*Secure)/],
    [{ secure: 'auto' }, /^(?!.*Secure)/],
  ])('has the attributes of %j, and identifies the session in the next request', async (cookie, expected) => {
    const ask = await start({ cookie });
    const first = await ask();
    expect(lineOf(first)).toMatch(expected);
    expect((await ask('/', first.cookie)).body).toBe('2');
  });

  test.each([true, 'auto'] as const)('is Secure over HTTPS with secure: %s', async (secure) => {
    const ask = await start({ cookie: { secure }, proxy: true });
    expect(lineOf(await ask('/', '', https))).toMatch(/; Secure/);
  });

  test('is not set over plain HTTP with secure: true', async () => {
    expect(lineOf(await (await start({ cookie: { secure: true } }))())).toBe('');
  });

  test('a fixed expiry stays the same, also for a session that is created later', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const expires = new Date(Math.ceil(Date.now() / 1000) * 1000 + hourMs);
    const ask = await start({ cookie: { expires } });
    expect(Math.abs(endOf(lineOf(await ask())) - expires.getTime())).toBeLessThan(1500);
    vi.setSystemTime(Date.now() + 30 * minuteMs);
    expect(Math.abs(endOf(lineOf(await ask())) - expires.getTime())).toBeLessThan(1500);
  });

  test('of maxAge and expires, the last option takes effect', async () => {
    const expires = new Date(Date.now() + 2 * hourMs);
    expect(isInAnHour(lineOf(await (await start({ cookie: { expires, maxAge: hourMs } }))()))).toBe(true);
    const line = lineOf(await (await start({ cookie: { maxAge: hourMs, expires } }))());
    expect(isInAnHour(line)).toBe(false);
    expect(Math.abs(endOf(line) - expires.getTime())).toBeLessThan(5000);
  });
});

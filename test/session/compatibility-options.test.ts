import { createSecretKey } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import cookieParser from 'cookie-parser';
import express from 'express';
import { describe, expect, test, vi } from 'vitest';
import type { SessionOptions } from '../../src/session/index.ts';
import {
  type Ask,
  count,
  isInAnHour,
  libraries,
  lineOf,
  listen,
  look,
  type Middleware,
  nothing,
  type Options,
  type Seen,
  secret,
  start as startWith,
  usual,
} from './compatibility-support.ts';
import { hourMs, secretOf } from './support.ts';

const newer = secretOf('n');
const https = { headers: { 'X-Forwarded-Proto': 'https' } };

// The README of express-session about its options, tested with both libraries.
describe.each(libraries)('the options of %s', (_, library) => {
  const start = (options: Options, handle = count): Promise<Ask> => startWith(library, options, handle);

  test('name and key: the cookie has this name, and connect.sid without them', async () => {
    expect((await (await start({}))()).cookie).toMatch(/^connect\.sid=/);
    for (const options of [{ name: 'shop' }, { key: 'shop' }]) {
      const ask = await start(options);
      const { cookie } = await ask();
      expect(cookie).toMatch(/^shop=/);
      expect((await ask('/', cookie)).body).toBe('2');
    }
  });

  test('saveUninitialized: an empty session is stored and gets a cookie only with true', async () => {
    expect(lineOf(await (await start({ saveUninitialized: false }, nothing))())).toBe('');
    const ask = await start({ saveUninitialized: true }, look);
    const { cookie } = await ask('/look');
    expect(cookie).toMatch(/^connect\.sid=/);
    expect(lineOf(await ask('/look', cookie))).toBe('');
    expect(lineOf(await ask('/', cookie))).toBe('');
  });

  test('rolling: each response sets the cookie', async () => {
    const ask = await start({ rolling: true, cookie: { maxAge: hourMs } }, look);
    const { cookie } = await ask();
    const again = await ask('/look', cookie);
    expect(isInAnHour(lineOf(again))).toBe(true);
    expect(again.cookie).toBe(cookie);
    expect(lineOf(await ask('/look'))).toBe('');
  });

  test('genid: it creates the id from the request', async () => {
    let number = 0;
    const genid = ({ url }: IncomingMessage): string => `${url} is id ${number++}; ü`;
    const ask = await start({ genid }, ({ session: found, sessionID }, res) => {
      found.count = 1;
      res.end(`${found.id === sessionID} ${sessionID}`);
    });
    const { cookie, body } = await ask('/a');
    expect([body, (await ask('/b', cookie)).body]).toEqual(['true /a is id 0; ü', 'true /a is id 0; ü']);
  });

  test.each([
    ['destroy', '1'],
    ['keep', '2'],
    [undefined, '2'],
  ] as const)(
    'unset: with %s, after a handler removed the session from its request, the next count is %s',
    async (unset, next) => {
      const ask = await start(unset === undefined ? {} : { unset }, (req, res) => {
        if (req.url === '/') return count(req, res);
        if (req.url === '/null') req.session = null as never;
        else Reflect.deleteProperty(req, 'session');
        res.end('gone');
      });
      for (const path of ['/null', '/deleted']) {
        const { cookie } = await ask();
        expect((await ask(path, cookie)).body).toBe('gone');
        expect((await ask('/', cookie)).body).toBe(next);
      }
    },
  );

  test.each<[string, SessionOptions['secret'], SessionOptions['secret'] | undefined]>([
    ['a string', secret, undefined],
    ['a Buffer', Buffer.from(secret), undefined],
    ['a Uint8Array', new TextEncoder().encode(secret), undefined],
    ['a KeyObject', createSecretKey(Buffer.from(secret)), undefined],
    ['an array', [secret], undefined],
    ['an array whose second secret signed the cookie', [newer, secret], secret],
  ])('secret: a cookie is accepted with %s', async (__, given, before) => {
    const store = new library.MemoryStore();
    const { cookie } = await (await start({ store, secret: before ?? given }))();
    expect((await (await start({ store, secret: given }))('/', cookie)).body).toBe('2');
    expect((await (await start({ store, secret: newer }))('/', cookie)).body).toBe('1');
  });

  test('secret: the first secret of an array signs', async () => {
    const store = new library.MemoryStore();
    const { cookie } = await (await start({ store, secret: [newer, secret] }))();
    expect((await (await start({ store, secret: newer }))('/', cookie)).body).toBe('2');
  });

  test('secret: without it, the secret of cookie-parser signs', async () => {
    const { secret: _, ...options } = usual;
    const store = new library.MemoryStore();
    const session = library.create({ ...options, store });
    const ask = await listen(count, cookieParser(secret) as Middleware, session);
    const { cookie } = await ask();
    expect((await ask('/', cookie)).body).toBe('2');
    expect((await (await start({ store }))('/', cookie)).body).toBe('3');
  });

  test.each([undefined, ''])(
    'secret: with %j, and without a secret of cookie-parser, a request fails',
    async (given) => {
      const ask = await start({ secret: given } as never);
      expect(await ask()).toMatchObject({ status: 500, body: expect.stringMatching(/secret.* required/), cookie: '' });
    },
  );

  test.each([
    [true, https, true],
    [true, {}, false],
    [false, https, false],
    [undefined, https, false],
  ])('proxy: with %s, %j counts as an encrypted connection: %s', async (proxy, options, isEncrypted) => {
    const ask = await start({ cookie: { secure: true }, ...(proxy !== undefined && { proxy }) });
    expect(lineOf(await ask('/', '', options)) !== '').toBe(isEncrypted);
  });

  test('proxy: without it, the setting `trust proxy` of Express decides', async () => {
    for (const isTrusted of [true, false]) {
      const app = express().set('trust proxy', isTrusted);
      app.use(library.create({ ...usual, store: new library.MemoryStore(), cookie: { secure: true } }) as never);
      app.use((req, res) => count(req, res));
      const ask = await listen(app as never);
      expect(lineOf(await ask('/', '', https)) !== '').toBe(isTrusted);
    }
  });

  test.each([
    [true, 1],
    [false, 0],
    [undefined, 1],
  ])('resave: with %s, a request that changes nothing writes %i times', async (resave, writes) => {
    const store = new library.MemoryStore();
    const { resave: _, ...options } = usual;
    const given = { ...options, store, ...(resave !== undefined && { resave }) };
    const ask = await listen(look, library.create(given));
    const { cookie } = await ask();
    const set = vi.spyOn(store, 'set');
    expect((await ask('/look', cookie)).body).toBe('1');
    expect(set).toHaveBeenCalledTimes(writes);
  });

  test('resave: a session that the handler saved is not written again', async () => {
    const store = new library.MemoryStore();
    const ask = await start({ store, resave: true }, (req, res) => {
      req.session.count = (req.session.count ?? 0) + 1;
      req.session.save(() => res.end());
    });
    const { cookie } = await ask();
    const set = vi.spyOn(store, 'set');
    await ask('/', cookie);
    expect(set).toHaveBeenCalledOnce();
  });

  test('rolling: an empty session that is not stored gets no cookie', async () => {
    expect(lineOf(await (await start({ rolling: true }, nothing))())).toBe('');
  });

  test('a session that another middleware set on the request is kept', async () => {
    const first = library.create({ ...usual, store: new library.MemoryStore(), name: 'first' });
    const second = library.create({ ...usual, store: new library.MemoryStore(), name: 'second' });
    const ask = await listen(count, first, second);
    const { cookie } = await ask();
    expect(cookie).toMatch(/^first=[^;]+$/);
    expect((await ask('/', cookie)).body).toBe('2');
  });

  test.each([
    ['unsigned', [], ''],
    ['signed', [secret], 's:'],
  ])('without a Cookie header, the cookies that cookie-parser read are used: %s', async (__, secrets, prefix) => {
    const hide: Middleware = (req: Seen, ___: never, next) => {
      delete req.headers.cookie;
      next();
    };
    const session = library.create({ ...usual, store: new library.MemoryStore() });
    const ask = await listen(count, cookieParser(secrets) as Middleware, hide, session);
    const { cookie } = await ask();
    expect(decodeURIComponent(cookie)).toContain(prefix);
    expect((await ask('/', cookie)).body).toBe('2');
    expect((await ask('/', `${cookie}x`)).body).toBe('1');
  });

  test.each([
    ['genid', { genid: 'x' }, /genid option must be a function/],
    ['unset', { unset: 'x' }, /unset option must be "destroy" or "keep"/],
    ['secret', { secret: [] }, /secret option array must contain one or more strings/],
  ])('%s: an invalid value causes a TypeError', (__, options, expected) => {
    const store = new library.MemoryStore();
    expect(() => library.create({ ...usual, store, ...options } as never)).toThrow(expected);
  });
});

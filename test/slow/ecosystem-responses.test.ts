import { describe, expect, test } from 'vitest';
import type { Browser } from '../../src/testing/browser.ts';
import { installEcosystem, libraries, startApplication } from '../support/ecosystem.ts';

installEcosystem();

const post: RequestInit = { method: 'POST' };
const line = 'easily compressed '.repeat(100);

describe.each(libraries)('with %s', (library) => {
  test.each(['before', 'after'])('compression works %s the session, for whole and streamed pages', async (place) => {
    const app = await startApplication('compression', library);
    const ann = app.browser();
    const visit = async (path: string): Promise<unknown[]> => {
      const response = await ann(`/${place}/${path}`, { headers: { 'Accept-Encoding': 'gzip' } });
      return [response.headers.get('Content-Encoding'), (await response.text()).replace(line, 'line ')];
    };
    expect(await visit('whole')).toEqual(['gzip', 'line 1']);
    expect(await visit('stream')).toEqual(['gzip', 'line 2']);
    expect(await visit('whole')).toEqual(['gzip', 'line 3']);
  });

  test('http-proxy-middleware proxies large bodies, and sends session data', async () => {
    const app = await startApplication('http-proxy-middleware', library);
    const ann = app.browser();
    await ann('/login/ann', post);
    const call = async (body: string): Promise<string> => {
      const response = await ann('/api', { ...post, body, headers: { 'Content-Type': 'text/plain' } });
      return response.text();
    };
    expect(await call('a')).toBe('ann 1 a'.repeat(10_000));
    expect(await call('b')).toBe('ann 2 b'.repeat(10_000));
    expect(await (await app.browser()('/api')).text()).toContain('undefined 1 undefined 1 ');
  });

  test('express-rate-limit counts by session data', async () => {
    const app = await startApplication('express-rate-limit', library);
    const [phone, laptop, bob] = [app.browser(), app.browser(), app.browser()];
    for (const browser of [phone, laptop]) await browser('/login/ann', post);
    await bob('/login/bob', post);
    const view = async (browser: Browser): Promise<unknown[]> => {
      const response = await browser('/');
      return [response.status, await response.text()];
    };
    expect([await view(phone), await view(laptop)]).toEqual([
      [200, 'ann'],
      [200, 'ann'],
    ]);
    expect((await view(phone))[0]).toBe(429);
    expect(await view(bob)).toEqual([200, 'bob']);
  });

  test('@apollo/server logs in and out in mutations', async () => {
    const app = await startApplication('apollo-server', library);
    const ann = app.browser();
    const ask = async (browser: Browser, query: string): Promise<unknown> => {
      const headers = { 'Content-Type': 'application/json' };
      const response = await browser('/graphql', { ...post, headers, body: JSON.stringify({ query }) });
      return ((await response.json()) as { data: unknown }).data;
    };
    expect(await ask(ann, '{ me }')).toEqual({ me: null });
    expect(await ask(ann, 'mutation { login(name: "ann") }')).toEqual({ login: 'ann' });
    expect(await ask(ann, '{ me }')).toEqual({ me: 'ann' });
    expect(await ask(app.browser(), '{ me }')).toEqual({ me: null });
    expect(await ask(ann, 'mutation { logout }')).toEqual({ logout: true });
    expect(await ask(ann, '{ me }')).toEqual({ me: null });
  });

  test('a chat has stored its streamed text before the last byte arrives', async () => {
    const app = await startApplication('streaming-chat', library);
    const ann = app.browser();
    const say = async (body: string): Promise<string> => {
      const response = await ann('/chat', { ...post, body, headers: { 'Content-Type': 'text/plain' } });
      return response.text();
    };
    const history = async (browser: Browser): Promise<unknown> => (await browser('/history')).json();
    expect(await say('hello')).toBe('data: 1:\n\ndata: you\n\ndata: said\n\ndata: hello\n\n');
    expect(await history(ann)).toEqual(['hello', '1: you said hello']);
    expect(await say('again')).toBe('data: 3:\n\ndata: you\n\ndata: said\n\ndata: again\n\n');
    expect(await history(ann)).toEqual(['hello', '1: you said hello', 'again', '3: you said again']);
    expect(await history(app.browser())).toEqual([]);
    await ann('/forget', post);
    expect(await history(ann)).toEqual([]);
  });
});

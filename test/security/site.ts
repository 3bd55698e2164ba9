import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { sessionKeyOf } from '../../src/stores/session-key.ts';
import { type HttpResponse, type RequestOptions, send } from '../support/http.ts';
import { Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, startPlain } from '../support/server.ts';

const routes = `
  app.get('/in', (req, res) => req.session.regenerate(() => { req.session.userId = 'ann'; res.send('in'); }));
  app.get('/me', (req, res) => res.type('text').send(req.session.userId ?? 'nobody'));
  app.get('/out', (req, res) => req.session.destroy(() => res.send('out')));
  app.get('/keep/:key/:value', (req, res) => { req.session[req.params.key] = req.params.value; res.send('kept'); });
  app.get('/data', ({ session: { cookie, ...data } }, res) => res.json(data));
  app.get('/count', async (req, res) => {
    await req.session.update((data) => { data.count = (data.count ?? 0) + 1; });
    res.send('counted');
  });
  app.get('/slow', (req, res) => { req.session.late = 'yes'; setTimeout(() => res.send('slow'), 200); });
  app.get('/large', (req, res) => { req.session.text = 'x'.repeat(300000); res.send('kept'); });
  app.get('/evil', (req, res) => {
    const evil = JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"toString":1,"ok":1}');
    for (const key of Object.keys(evil))
      Object.defineProperty(req.session, key, { value: evil[key], enumerable: true, configurable: true });
    res.send('kept');
  });
  app.all('/write', (req, res) => res.send('written'));
  app.get('/seen-as', (req, res) => res.json({ ip: req.ip, secure: req.secure, host: req.hostname }));
  app.get('/fail', () => { throw new Error('an internal detail'); });`;

/** A served environment that the tests of a file share. */
export interface Served {
  directory: string;
  /** As a client behind the proxy, over HTTPS, when the server is in production. */
  ask(path: string, options?: RequestOptions): Promise<HttpResponse>;
  /** The same with this cookie. */
  as(cookie: string, path: string, options?: RequestOptions): Promise<HttpResponse>;
  url(): string;
  /** What the server printed so far. */
  output(): string;
  secret(): Promise<string>;
}

/** Production runs behind one proxy that ends HTTPS; development is asked directly, and told of no proxy. */
export function serveFor(mode: 'production' | 'development'): Served {
  const sandbox = new Sandbox(afterAll);
  const https = mode === 'production' ? { 'X-Forwarded-Proto': 'https' } : {};
  const env = mode === 'production' ? { NODE_ENV: mode, TRUST_PROXY: '1' } : {};
  const served = { directory: '' } as Served & { directory: string };
  let server: Awaited<ReturnType<typeof startPlain>>;
  beforeAll(async () => {
    served.directory = await copyEnvironment(sandbox);
    await addRoutes(served.directory, routes);
    server = await startPlain(sandbox, served.directory, { env });
  });
  const ask: Served['ask'] = (path, { headers, ...options } = {}) =>
    send(server.url + path, { ...options, headers: { ...https, ...headers } });
  return Object.assign(served, {
    ask,
    as: (Cookie: string, path: string, { headers, ...options }: RequestOptions = {}) =>
      ask(path, { ...options, headers: { Cookie, ...headers } }),
    url: () => server.url,
    output: () => server.output(),
    secret: async () =>
      /^SESSION_SECRET=(.+)$/m.exec(await readFile(join(served.directory, '.env'), 'utf8'))?.[1] ?? '',
  });
}

/** The parts of a session cookie as a client sends it. */
export function partsOf(cookie: string): { name: string; id: string; key: string; signature: string } {
  const [, name = '', id = '', signature = ''] = /^(.*?)=s:([^.]*)\.(.*)$/.exec(decodeURIComponent(cookie)) ?? [];
  return { name, id, key: sessionKeyOf(id), signature };
}

/** The lines of a log in production. */
export function linesOf(output: string): Record<string, unknown>[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

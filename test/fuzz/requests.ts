import type { Express, Request } from 'express';
import { type Arbitrary, array, asyncProperty, constantFrom, oneof, record, string } from 'fast-check';
import { expect } from 'vitest';
import { openStore, startSite } from '../session/support.ts';
import type { HttpResponse } from '../support/http.ts';
import { check } from './check.ts';

type Operation =
  | { kind: 'set' | 'delete'; key: string; value: string }
  | { kind: 'count' | 'read' | 'destroy' | 'regenerate' };

/**
 * Concurrent requests of one session in two processes: each property has its last change (or one of several concurrent changes),
 * every increment counts, and a destroyed session never comes back.
 */
export async function fuzzRequests(cases: number): Promise<void> {
  const driver = await openStore();
  const sites = [await startSite(routes, { driver }), await startSite(routes, { driver })];
  let turn = 0;
  const ask = (path: string, cookie: string): Promise<HttpResponse> => {
    turn += 1;
    return (sites[turn % 2] as (typeof sites)[0]).request(path, { headers: cookie ? { Cookie: cookie } : {} });
  };
  const property = asyncProperty(array(batch, { minLength: 1, maxLength: 6 }), async (batches) => {
    const model = new Model();
    for (const operations of batches) {
      if (model.cookie === '') model.begin((await ask('/set?key=begun&value=yes', '')).cookie);
      const { cookie } = model;
      const responses = await Promise.all(operations.map((operation) => ask(pathOf(operation), cookie)));
      expect(responses.map(({ status }) => status)).toEqual(operations.map(() => 200));
      model.apply(operations, responses);
      await model.verify((of) => ask('/show', of));
    }
  });
  // Each case has about ten requests.
  await check(property, Math.ceil(cases / 10));
}

function routes(app: Express): void {
  const change: Record<string, (req: Request) => unknown> = {
    set: ({ session, query }) => (session[`${query.key}`] = query.value),
    delete: ({ session, query }) => Reflect.deleteProperty(session, `${query.key}`),
    count: ({ session }) => session.update((data) => (data.count = (data.count ?? 0) + 1)),
    read: ({ session }) => session.count,
    destroy: ({ session }) => new Promise((resolve) => session.destroy(resolve)),
    regenerate: async (req) => {
      await new Promise((resolve) => req.session.regenerate(resolve));
      req.session.begun = 'yes';
    },
  };
  for (const [name, act] of Object.entries(change))
    app.get(`/${name}`, async (req, res) => {
      await act(req);
      res.send();
    });
  app.get('/show', ({ session: { cookie: _, ...data } }, res) => res.json(data));
}

/** The expected content of a session: for each property, the values of which one must be stored. */
class Model {
  cookie = '';
  #keys = new Map<string, (string | undefined)[]>();
  #count = 0;
  readonly #ended: string[] = [];
  readonly #others: string[] = [];

  begin(cookie: string): void {
    this.cookie = cookie;
    this.#keys = new Map(cookie ? [['begun', ['yes']]] : []);
    this.#count = 0;
  }

  apply(operations: Operation[], responses: HttpResponse[]): void {
    const written = new Map<string, (string | undefined)[]>();
    for (const operation of operations) {
      if (!('key' in operation)) continue;
      const value = operation.kind === 'set' ? operation.value : undefined;
      written.set(operation.key, [...(written.get(operation.key) ?? []), value]);
    }
    for (const [key, values] of written) this.#keys.set(key, values);
    this.#count += operations.filter(({ kind }) => kind === 'count').length;
    if (operations.some(({ kind }) => kind === 'destroy' || kind === 'regenerate')) this.#end(operations, responses);
  }

  async verify(show: (cookie: string) => Promise<HttpResponse>): Promise<void> {
    const read = async (cookie: string): Promise<Record<string, unknown>> => JSON.parse((await show(cookie)).body);
    for (const cookie of this.#ended) expect(await read(cookie)).toEqual({});
    for (const cookie of this.#others) expect(await read(cookie)).toEqual({ begun: 'yes' });
    const { count = 0, ...data } = await read(this.cookie);
    expect(count).toBe(this.#count);
    for (const [key, values] of this.#keys) {
      expect(values).toContain(data[key]);
      this.#keys.set(key, [data[key] as string | undefined]);
      delete data[key];
    }
    expect(data).toEqual({});
  }

  // Each client that regenerated has its own session. The model continues with the last one, or with no session.
  #end(operations: Operation[], responses: HttpResponse[]): void {
    this.#ended.push(this.cookie);
    const cookies = responses.filter((_, at) => operations[at]?.kind === 'regenerate').map(({ cookie }) => cookie);
    this.begin(cookies.pop() ?? '');
    this.#others.push(...cookies);
  }
}

const keyed = {
  key: constantFrom('a', 'b', 'begun', '__proto__x'),
  value: string({ unit: 'grapheme-ascii', maxLength: 4 }),
};

const operation: Arbitrary<Operation> = oneof(
  { weight: 6, arbitrary: record({ kind: constantFrom('set' as const, 'delete' as const), ...keyed }) },
  { weight: 4, arbitrary: record({ kind: constantFrom('count' as const, 'read' as const) }) },
  { weight: 1, arbitrary: record({ kind: constantFrom('destroy' as const, 'regenerate' as const) }) },
);

const batch = array(operation, { minLength: 1, maxLength: 6 });

function pathOf(operation: Operation): string {
  if (!('key' in operation)) return `/${operation.kind}`;
  return `/${operation.kind}?key=${operation.key}&value=${encodeURIComponent(operation.value)}`;
}

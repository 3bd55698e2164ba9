import session from 'express-session';
import {
  anything,
  array,
  asyncProperty,
  constantFrom,
  dictionary,
  oneof,
  string,
  tuple,
  uniqueArray,
} from 'fast-check';
import { expect } from 'vitest';
import { driverOf } from '../../src/stores/express.ts';
import { startSite } from '../session/support.ts';
import { check } from './check.ts';

type Values = Record<string, unknown>;

/**
 * Any value that a handler puts into a session comes back as its JSON does. Special property names of JavaScript change nothing.
 * A value that JSON cannot represent causes a 500 immediately, and the stored data stays.
 */
export async function fuzzData(cases: number): Promise<void> {
  let act: (data: Values) => void = () => undefined;
  const site = await startSite(
    (app) => {
      app.get('/act', (req, res) => {
        act(req.session as unknown as Values);
        res.send('acted');
      });
      app.get('/show', ({ session: { cookie: _, ...data } }, res) => res.send(JSON.stringify(Object.entries(data))));
      app.get('/admin', (req, res) => res.send(String(req.session.admin ?? ({} as Values).admin)));
    },
    { driver: driverOf(new session.MemoryStore()) },
  );
  const property = asyncProperty(array(tuple(data, keys), { minLength: 1, maxLength: 3 }), async (steps) => {
    const browse = site.browser();
    let stored: Values = {};
    for (const [values, deleted] of steps) {
      act = (target) => {
        for (const key of deleted) Reflect.deleteProperty(target, key);
        for (const [key, value] of Object.entries(values)) Reflect.set(target, key, value);
      };
      const expected = afterJson(stored, values, deleted);
      expect((await browse('/act')).status).toBe(expected ? 200 : 500);
      stored = expected ?? stored;
      const shown = JSON.parse((await browse('/show')).body) as [string, unknown][];
      expect(shown.sort(byKey)).toEqual(Object.entries(stored).sort(byKey));
      if (!Object.hasOwn(stored, 'admin')) expect((await browse('/admin')).body).toBe('undefined');
    }
  });
  await check(property, cases);
}

// Includes property names of the session object and of JavaScript itself.
const key = oneof(
  {
    weight: 3,
    arbitrary: constantFrom(
      'a',
      'b',
      'admin',
      'userId',
      '0',
      '',
      'length',
      'toJSON',
      'then',
      'data',
      '😀',
      'ü',
      '\u0000',
    ),
  },
  {
    weight: 2,
    arbitrary: constantFrom(
      '__proto__',
      'constructor',
      'prototype',
      'toString',
      'hasOwnProperty',
      'valueOf',
      'save',
      'update',
    ),
  },
  { weight: 1, arbitrary: string({ unit: 'binary' }) },
).filter((name) => name !== 'cookie');

const deep = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
const cycle: Values = {};
cycle.self = { cycle };

const value = oneof(
  {
    weight: 8,
    arbitrary: anything({
      key,
      maxDepth: 3,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSet: true,
      withObjectString: true,
      withSparseArray: true,
      withTypedArray: true,
    }),
  },
  {
    weight: 3,
    arbitrary: constantFrom(
      -0,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      2 ** 53,
      5e-324,
      new Date(0),
      new Date(Number.NaN),
      undefined,
      null,
      '',
      '\ud800',
      '\u2028',
    ),
  },
  {
    weight: 1,
    arbitrary: constantFrom(
      { toJSON: () => 'instead' },
      { toJSON: () => undefined },
      () => 1,
      Symbol('s'),
      /x/g,
      new Error('e'),
      deep(1000),
    ),
  },
  { weight: 1, arbitrary: constantFrom(10n, cycle, deep(100_000), { toJSON: () => JSON.parse('') }) },
);

const keys = uniqueArray(key, { maxLength: 3 });
const data = dictionary(key, value, { maxKeys: 4 });

/** The data that the store should have after these changes; undefined when it cannot be stored. */
function afterJson(stored: Values, values: Values, deleted: string[]): Values | undefined {
  const kept = Object.entries(stored).filter(([name]) => !deleted.includes(name));
  const isOurs = (name: string): boolean => name in session.Session.prototype || ['id', 'req', 'update'].includes(name);
  const added = Object.entries(values)
    .filter(([name]) => !isOurs(name))
    .map(([name, given]) => [name, typeof given === 'function' ? undefined : given]);
  try {
    return JSON.parse(JSON.stringify(Object.fromEntries([...kept, ...added]))) as Values;
  } catch {
    return undefined;
  }
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

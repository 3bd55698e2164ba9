import { describe, expect, test } from 'vitest';
import type { Driver, StoredRecord } from '../../src/stores/driver.ts';
import { openLater, wrap } from '../../src/stores/wrap.ts';
import { collect, record } from './contract-support.ts';

const stored: StoredRecord = { ...record(), key: 'a', version: 1 };

/** A driver that records every call and returns the method's name, so that results differ. */
function createDriver(calls: unknown[] = []): Required<Driver> {
  const note =
    (name: string) =>
    async (...args: unknown[]): Promise<unknown> => {
      calls.push([name, ...args]);
      return `result of ${name}`;
    };
  const names = ['read', 'create', 'update', 'touch', 'delete', 'setAside', 'prune', 'ping', 'close'];
  const optional = ['countSetAside', 'backup', 'warnings'];
  const methods = Object.fromEntries([...names, ...optional].map((name) => [name, note(name)]));
  return {
    ...(methods as unknown as Required<Driver>),
    async *list(query) {
      calls.push(['list', query]);
      try {
        for (let n = 0; n < 3; n += 1) yield { ...stored, key: `k${n}` };
      } finally {
        calls.push(['list ends']);
      }
    },
  };
}

const calls: [name: Exclude<keyof Driver, 'list'>, args: unknown[]][] = [
  ['read', ['a']],
  ['create', ['a', record(), 7]],
  ['update', ['a', 1, record()]],
  ['touch', ['a', 1, 2, 3]],
  ['delete', ['a']],
  ['setAside', ['a']],
  ['prune', [1, 2]],
  ['countSetAside', []],
  ['backup', ['file']],
  ['ping', []],
  ['warnings', []],
  ['close', []],
];

const make = (driver: Driver, name: string, args: unknown[]): Promise<unknown> =>
  (driver[name as keyof Driver] as (...args: unknown[]) => Promise<unknown>)(...args);

describe('a wrapped driver', () => {
  test('has exactly the methods of a driver', () => {
    const names = Object.keys(wrap((call) => call(createDriver()))).sort();
    expect(names).toEqual(Object.keys(createDriver()).sort());
    expect(names).toEqual([...calls.map(([name]) => name), 'list'].sort());
  });

  test.each(calls)(
    'calls %s once through `around`, passes its arguments, and returns its result',
    async (name, args) => {
      const seen: unknown[] = [];
      let passes = 0;
      const driver = wrap((call) => {
        passes += 1;
        return call(createDriver(seen));
      });
      expect(await make(driver, name, args)).toBe(`result of ${name}`);
      expect([seen, passes]).toEqual([[[name, ...args]], 1]);
    },
  );

  test.each(calls)('passes a failure of %s through `around`', async (name, args) => {
    const failure = new Error(name);
    const failing = { ...createDriver(), [name]: () => Promise.reject(failure) };
    const seen: unknown[] = [];
    const driver = wrap(async (call) => {
      try {
        return await call(failing);
      } catch (error) {
        seen.push(error);
        throw new Error('another', { cause: error });
      }
    });
    await expect(make(driver, name, args)).rejects.toMatchObject({ message: 'another', cause: failure });
    expect(seen).toEqual([failure]);
  });

  test.each<[keyof Driver, unknown[], unknown]>([
    ['countSetAside', [], undefined],
    ['backup', ['file'], false],
    ['warnings', [], []],
  ])('has a result for %s also when the driver has no such method', async (name, args, result) => {
    const { [name]: _, ...rest } = createDriver();
    const driver = wrap((call) => call(rest as Driver));
    expect(await make(driver, name, args)).toEqual(result);
  });

  test('calls the given function when it is closed, and nothing else', async () => {
    const seen: unknown[] = [];
    let closed = 0;
    const driver = wrap(
      (call) => call(createDriver(seen)),
      async () => {
        closed += 1;
      },
    );
    await driver.close();
    expect([closed, seen]).toEqual([1, []]);
  });
});

describe('a list of a wrapped driver', () => {
  test('passes its start and each step through `around`, and stays with the driver that it began with', async () => {
    const seen: unknown[] = [];
    let passes = 0;
    const driver = wrap((call) => {
      passes += 1;
      return call(passes === 1 ? createDriver(seen) : createDriver());
    });
    expect(await collect(driver.list({ owner: 'ann', limit: 9 }))).toEqual(['k0', 'k1', 'k2']);
    // The start, three records, and the end.
    expect(passes).toBe(5);
    expect(seen).toEqual([['list', { owner: 'ann', limit: 9 }], ['list ends']]);
  });

  test('closes the driver’s list when the consumer stops early', async () => {
    const seen: unknown[] = [];
    const driver = wrap((call) => call(createDriver(seen)));
    for await (const { key } of driver.list({})) if (key === 'k1') break;
    expect(seen).toEqual([['list', {}], ['list ends']]);
  });

  test('closes the driver’s list when `around` rejects a step', async () => {
    const seen: unknown[] = [];
    let passes = 0;
    const driver = wrap(async (call) => {
      const result = await call(createDriver(seen));
      passes += 1;
      if (passes === 3) throw new Error('too late');
      return result;
    });
    await expect(collect(driver.list({}))).rejects.toThrow('too late');
    expect(seen).toEqual([['list', {}], ['list ends']]);
  });

  test('fails when it cannot start, or cannot continue', async () => {
    const cannotBegin = {
      ...createDriver(),
      list: () => {
        throw new Error('no lists');
      },
    };
    await expect(collect(wrap((call) => call(cannotBegin)).list({}))).rejects.toThrow('no lists');
    const breaks: Driver = {
      ...createDriver(),
      async *list() {
        yield stored;
        throw new Error('lost');
      },
    };
    const found: string[] = [];
    const read = async (): Promise<void> => {
      for await (const { key } of wrap((call) => call(breaks)).list({})) found.push(key);
    };
    await expect(read()).rejects.toThrow('lost');
    expect(found).toEqual(['a']);
  });
});

describe('a driver that is opened later', () => {
  /** A driver whose first opens fail with the given errors. `opened` returns how often it was opened. */
  function setUp(...failures: Error[]): { driver: Driver; calls: unknown[]; opened(): number } {
    const calls: unknown[] = [];
    let opened = 0;
    const driver = openLater(async () => {
      opened += 1;
      const failure = failures.shift();
      if (failure) throw failure;
      return createDriver(calls);
    });
    return { driver, calls, opened: () => opened };
  }

  test('is opened by its first call, whatever the method, and not again', async () => {
    const { driver, opened } = setUp();
    expect(opened()).toBe(0);
    await collect(driver.list({}));
    expect(opened()).toBe(1);
    for (const [name, args] of calls) await make(driver, name, args);
    expect(opened()).toBe(1);
  });

  test('is opened once for concurrent calls', async () => {
    const { driver, calls, opened } = setUp();
    const results = await Promise.all([driver.ping(), driver.read('a'), driver.read('b'), collect(driver.list({}))]);
    expect(results.slice(0, 3)).toEqual(['result of ping', 'result of read', 'result of read']);
    expect([opened(), calls.length]).toEqual([1, 5]);
  });

  test('when it cannot be opened, all waiting calls fail, and the next call opens it', async () => {
    const { driver, opened } = setUp(new Error('away'), new Error('still away'));
    const both = await Promise.allSettled([driver.ping(), driver.read('a')]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(opened()).toBe(1);
    await expect(driver.ping()).rejects.toThrow('still away');
    expect(await driver.ping()).toBe('result of ping');
    expect(opened()).toBe(3);
  });

  test('closes an opened driver, and does not open one to close it', async () => {
    const unused = setUp();
    await unused.driver.close();
    expect([unused.opened(), unused.calls]).toEqual([0, []]);
    const used = setUp();
    await used.driver.ping();
    await used.driver.close();
    expect(used.calls).toEqual([['ping'], ['close']]);
  });
});

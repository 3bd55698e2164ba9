import { describe, expect, test } from 'vitest';
import { load } from './modules.ts';

type Round = Record<string, number>;

const { parseWrk } = await load<{ parseWrk(stdout: string): Round }>('load/wrk');
const { parseCores, parseStat } = await load<{ parseCores(list: string): number[]; parseStat(line: string): Round }>(
  'measure/processes',
);
const { median, medianRatio, medians, spread } = await load<{
  median(values: number[]): number;
  medians(rounds: Round[]): Round;
  medianRatio(above: Round[], below: Round[], name: string): number;
  spread(values: number[]): number;
}>('measure/stats');
const { measureRows } = await load<{
  measureRows(
    bench: { rounds: number },
    measures: Record<string, (round: number) => Promise<Round>>,
    titleOf: (id: string) => string,
  ): Promise<{ id: string; title: string; rounds: Round[] }[]>;
}>('measure/rounds');
const { verifyCookie } = await load<{ verifyCookie(setCookie?: string): void }>('servers/verify');

describe('the output of wrk', () => {
  const print = (changes: object = {}): string => {
    const figures = { requests: 5000, micros: 2_000_000, p50Micros: 1500, p99Micros: 9000, wrong: 0, failed: 0 };
    return `Running 2s test @ http://127.0.0.1:1/\n  1 threads\n${JSON.stringify({ ...figures, ...changes })}\n`;
  };

  test('is parsed to requests per second and latencies in milliseconds', () => {
    expect(parseWrk(print())).toEqual({ requests: 5000, requestsPerSecond: 2500, p50Ms: 1.5, p99Ms: 9 });
  });

  test.each([
    [{ wrong: 3 }, '3 of 5000 responses'],
    [{ failed: 2 }, '2 requests failed'],
    [{ requests: 0 }, 'no request'],
  ])('fails the run with %j', (changes, message) => {
    expect(() => parseWrk(print(changes))).toThrow(message);
  });

  test('is in the error when it contains no result', () => {
    expect(() => parseWrk('unable to connect')).toThrow('unable to connect');
  });
});

test('a line of /proc is parsed whatever the name of the program is', () => {
  const line = '4711 (no) de (x)) S 42 4711 1 0 -1 4194560 1 2 3 4 70 30 5 6 20 0 7 0 8 9';
  expect(parseStat(line)).toEqual({ pid: 4711, parent: 42, cpuTicks: 100 });
});

test.each([
  ['0-1', [0, 1]],
  ['2,4-6', [2, 4, 5, 6]],
])('the processors %s are %j', (list, cores) => {
  expect(parseCores(list)).toEqual(cores);
});

describe('medians', () => {
  test('are the middle value, or the mean of the two middle values', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 2, 100])).toBe(3);
    expect(() => median([])).toThrow(RangeError);
    expect(
      medians([
        { a: 1, b: 9 },
        { a: 3, b: 7 },
        { a: 2, b: 8 },
      ]),
    ).toEqual({ a: 2, b: 8 });
  });

  test('of ratios compare the two values of each round', () => {
    const rounds = (...values: number[]): Round[] => values.map((cpuMicros) => ({ cpuMicros }));
    // Both values of the second round were disturbed.
    expect(medianRatio(rounds(10, 90, 11), rounds(20, 180, 20), 'cpuMicros')).toBe(0.5);
  });

  test('are reported with the middle half of the rounds', () => {
    expect(spread([10, 9, 11, 8, 100])).toBe(0.2);
    expect(spread([5, 5, 5])).toBe(0);
  });
});

test('each round measures every subject once, in order', async () => {
  const order: string[] = [];
  const measure = (name: string) => async (round: number) => {
    order.push(`${name}${round}`);
    return { seconds: round };
  };
  const rows = await measureRows({ rounds: 2 }, { a: measure('a'), b: measure('b') }, (id) => `the ${id}`);
  expect(order).toEqual(['a1', 'b1', 'a2', 'b2']);
  expect(rows[1]).toEqual({ id: 'b', title: 'the b', rounds: [{ seconds: 1 }, { seconds: 2 }] });
});

describe('a cookie', () => {
  const flags = '; Path=/; HttpOnly; SameSite=Lax; Secure';

  test.each([
    `sid=x; Max-Age=2592000${flags}`,
    `sid=x${flags}; Expires=${new Date(Date.now() + 30 * 86_400_000).toUTCString()}`,
  ])('with the required flags and lifetime is accepted: %s', (setCookie) => {
    expect(() => verifyCookie(setCookie)).not.toThrow();
  });

  test.each([
    ['sid=x; Max-Age=2592000; Path=/; HttpOnly; Secure', 'flags'],
    [`sid=x; Max-Age=2592000${flags}; Partitioned`, 'flags'],
    [`sid=x; Max-Age=60${flags}`, 'lives'],
    [`sid=x${flags}`, 'lives'],
    [undefined, 'flags'],
  ])('with other flags or another lifetime is rejected: %s', (setCookie, message) => {
    expect(() => verifyCookie(setCookie)).toThrow(message);
  });
});

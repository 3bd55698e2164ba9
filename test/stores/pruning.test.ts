import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Driver } from '../../src/stores/driver.ts';
import { startPruning } from '../../src/stores/pruning.ts';
import { memory } from '../../src/testing/index.ts';

interface Store {
  /** How many records expire per second. */
  perSecond: number;
  /** The time of a call, and the additional time for each record. */
  callMs: number;
  recordMs: number;
  /** How many records have expired at the start. */
  backlog?: number;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Prunes for some simulated minutes. */
async function simulate({ perSecond, callMs, recordMs, backlog = 0 }: Store, minutes: number) {
  const startMs = performance.now();
  let deleted = 0;
  let busyMs = 0;
  let longestMs = 0;
  const left = (): number => backlog + Math.floor(((performance.now() - startMs) / 1000) * perSecond) - deleted;
  const prune = async (_: number, limit: number): Promise<number> => {
    const count = Math.min(limit, left());
    const tookMs = callMs + count * recordMs;
    await new Promise((resolve) => setTimeout(resolve, tookMs));
    deleted += count;
    busyMs += tookMs;
    longestMs = Math.max(longestMs, tookMs);
    return count;
  };
  const stop = startPruning({ prune } as Partial<Driver> as Driver, { warn: () => undefined, error: () => undefined });
  await vi.advanceTimersByTimeAsync(minutes * 60_000);
  const result = { left: left(), share: busyMs / (minutes * 60_000), longestMs };
  void stop();
  return result;
}

test.each<[string, Store]>([
  ['700 a second on a quick disk', { perSecond: 700, callMs: 5, recordMs: 0.02 }],
  ['700 a second on a slow disk', { perSecond: 700, callMs: 15, recordMs: 0.03 }],
  ['3,874 a second', { perSecond: 3874, callMs: 3, recordMs: 0.01 }],
  ['20 a second on a disk that takes 200 ms', { perSecond: 20, callMs: 200, recordMs: 0.1 }],
])('deletion keeps up with sessions that expire: %s', async (_, store) => {
  const after = await simulate(store, 10);
  // Not more than the records that expired since the second-to-last call.
  expect(after.left).toBeLessThan(store.perSecond * 3);
});

test.each<[string, Store]>([
  ['a quick disk', { perSecond: 0, callMs: 5, recordMs: 0.02, backlog: 5_000_000 }],
  ['a slow disk', { perSecond: 700, callMs: 15, recordMs: 0.05, backlog: 5_000_000 }],
  ['slow records', { perSecond: 0, callMs: 5, recordMs: 0.3, backlog: 5_000_000 }],
])('a long backlog uses little of the store’s time, and no call takes long: %s', async (_, store) => {
  const { left, share, longestMs } = await simulate(store, 5);
  expect(left).toBeGreaterThan(0);
  expect(share).toBeLessThan(0.1);
  expect(longestMs).toBeLessThan(80);
});

test('deletion ends without a warning when the application closes the store', async () => {
  const store = memory();
  const prune = vi.spyOn(store, 'prune');
  const warn = vi.fn();
  startPruning(store, { warn, error: warn });
  await store.close();
  await vi.advanceTimersByTimeAsync(10 * 60_000);
  expect([prune.mock.calls.length, warn.mock.calls]).toEqual([1, []]);
});

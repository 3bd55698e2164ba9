import type { Driver } from '../../stores/driver.ts';
import { wrap } from '../../stores/wrap.ts';
import { add, type Counts } from './counts.ts';
import { observeCall } from './latency.ts';

/** Wraps the driver, to count the sessions that are created and ended, and to measure the duration of calls. */
export function countCalls(driver: Driver, counts: Counts): Driver {
  const measure = async <T>(call: string, work: () => Promise<T>): Promise<T> => {
    const startMs = performance.now();
    try {
      return await work();
    } catch (error) {
      add(counts, 'failures');
      throw error;
    } finally {
      observeCall(counts, call, performance.now() - startMs);
    }
  };
  return {
    ...wrap((call) => call(driver)),
    read: (key) => measure('read', () => driver.read(key)),
    async create(...given) {
      const isCreated = await measure('create', () => driver.create(...given));
      if (isCreated) add(counts, 'created');
      return isCreated;
    },
    update: (...given) => measure('update', () => driver.update(...given)),
    touch: (...given) => measure('touch', () => driver.touch(...given)),
    async delete(key) {
      await measure('delete', () => driver.delete(key));
      add(counts, 'ended');
    },
  };
}

import type { Driver, Log } from './driver.ts';
import { StoreClosed } from './errors.ts';

/** The smallest (and first) and the largest number of records that one call deletes. */
const leastBatch = 100;
const largestBatch = 2000;
/** The target time of a call, because other changes wait for it. After a faster call, the next one deletes more records. */
const callMs = 40;
const growth = 1.5;
/** After a call that took 1 ms, pause for 12 ms, so that few requests have to wait for a call. */
const breakFactor = 12;
const longestBreakMs = 500;

/**
 * Deletes expired records regularly, in batches that the store deletes quickly: it keeps up with new sessions, and no request
 * waits long. Expiry does not depend on pruning; pruning only frees space. The intervals are random, so that processes which
 * started together do not prune at the same time. Pruning also stops when the application closes the store.
 * @returns a function that stops pruning; its promise resolves after a running call
 */
export function startPruning(driver: Driver, log: Log, { restMs = 60_000, now = Date.now } = {}): () => Promise<void> {
  let timer: NodeJS.Timeout;
  let running = Promise.resolve();
  let isStopped = false;
  let batch = leastBatch;
  const plan = (ms: number): void => {
    if (isStopped) return;
    timer = setTimeout(run, ms * (0.5 + Math.random()));
    timer.unref();
  };
  const run = (): void => {
    const startMs = performance.now();
    running = prune(driver, log, now(), batch).then((count) => {
      if (count === undefined) return;
      const tookMs = performance.now() - startMs;
      batch = nextBatch(batch, count, tookMs);
      plan(count > 0 ? Math.min(tookMs * breakFactor, longestBreakMs) : restMs);
    });
  };
  plan(restMs);
  return () => {
    isStopped = true;
    clearTimeout(timer);
    return running;
  };
}

function nextBatch(batch: number, count: number, tookMs: number): number {
  if (tookMs > callMs) return Math.max(Math.floor(batch / 2), leastBatch);
  const mayGrow = count === batch && tookMs * growth <= callMs;
  return mayGrow ? Math.min(Math.floor(batch * growth), largestBatch) : batch;
}

/** Undefined: the store is closed. */
async function prune(driver: Driver, log: Log, nowMs: number, limit: number): Promise<number | undefined> {
  try {
    return await driver.prune(nowMs, limit);
  } catch (error) {
    if (error instanceof StoreClosed) return undefined;
    log.warn({ err: error }, 'expired sessions could not be deleted; the server will try again');
    return 0;
  }
}

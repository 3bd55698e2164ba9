import type { Driver, Log } from './driver.ts';

/** How many records one call deletes: at first and at least, and at most. */
const leastBatch = 100;
const largestBatch = 2000;
/** How long a call may take: other changes wait for it. One that was quick enough is followed by a larger one. */
const callMs = 40;
const growth = 1.5;
/** After a call of 1 ms, a break of 12 ms: so that of 100 requests hardly one meets a call. */
const breakFactor = 12;
const longestBreakMs = 500;

/**
 * Deletes expired records now and then, as many at a time as the store deletes quickly: it keeps up with the sessions
 * that are created, and no request waits for long. A record that has expired is gone without that; this gives its space
 * back. The times vary, so that processes that started together do not meet.
 * @returns what stops it, and resolves once it has stopped
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

async function prune(driver: Driver, log: Log, nowMs: number, limit: number): Promise<number> {
  try {
    return await driver.prune(nowMs, limit);
  } catch (error) {
    log.warn({ err: error }, 'expired sessions could not be deleted; the next attempt comes by itself');
    return 0;
  }
}

import type { Driver } from './driver.ts';
import type { Log } from './log.ts';

const batch = 50;
/** After a batch, so many times as long as it took is left to the requests. */
const leisure = 9;

/**
 * Deletes expired records now and then, a few at a time, so that no request waits for it. A record that has expired is
 * gone without that; this gives its space back, faster than any load fills it. The times vary, so that processes that started together do not meet.
 * @returns what stops it, and resolves once it has stopped
 */
export function startPruning(driver: Driver, log: Log, { restMs = 60_000, now = Date.now } = {}): () => Promise<void> {
  let timer: NodeJS.Timeout;
  let running = Promise.resolve();
  let isStopped = false;
  const plan = (ms: number): void => {
    if (isStopped) return;
    timer = setTimeout(run, ms * (0.5 + Math.random()));
    timer.unref();
  };
  const run = (): void => {
    const startMs = performance.now();
    running = prune(driver, log, now()).then((count) => {
      plan(count > 0 ? (performance.now() - startMs) * leisure : restMs);
    });
  };
  plan(restMs);
  return () => {
    isStopped = true;
    clearTimeout(timer);
    return running;
  };
}

async function prune(driver: Driver, log: Log, nowMs: number): Promise<number> {
  try {
    return await driver.prune(nowMs, batch);
  } catch (error) {
    log.warn({ err: error }, 'expired sessions could not be deleted; the next attempt comes by itself');
    return 0;
  }
}

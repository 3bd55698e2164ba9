import type { Driver, Log } from './driver.ts';

const batch = 100;
/** A shorter break made requests ten times as dear at the start of a long backlog. */
const busyMs = 500;

/**
 * Deletes expired records now and then, a few at a time, so that no request waits for it. A record that has expired is
 * gone without that; this gives its space back. The times vary, so that processes that started together do not meet.
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
    running = prune(driver, log, now()).then((count) => plan(count > 0 ? busyMs : restMs));
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

import { setTimeout as wait } from 'node:timers/promises';
import type { Driver } from '../stores/driver.ts';

interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

const restMs = 1000;

/**
 * Says in the log, once, that the store does not answer at the start, and when it does; then what in its own configuration
 * can lose sessions.
 * @returns what stops it, and resolves once it has stopped
 */
export function reportStore(driver: Driver, log: Log): () => Promise<void> {
  const stopping = new AbortController();
  const running = untilReached(driver, log, stopping.signal);
  return () => {
    stopping.abort();
    return running;
  };
}

async function untilReached(driver: Driver, log: Log, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      await driver.ping();
      const warnings = (await driver.warnings?.()) ?? [];
      if (attempt > 1) log.info('the store answers now');
      for (const warning of warnings) log.warn(warning);
      return;
    } catch (error) {
      if (attempt === 1 && !signal.aborted) log.error(`until the store answers, requests get a 503: ${error}`);
    }
    await rest(signal);
  }
}

async function rest(signal: AbortSignal): Promise<void> {
  try {
    await wait(restMs, undefined, { ref: false, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

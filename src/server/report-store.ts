import { setTimeout as wait } from 'node:timers/promises';
import type { Driver } from '../stores/driver.ts';
import { StoreReplaced } from '../stores/errors.ts';

interface Log {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** The time until the next check of a store that responds, and of a store that does not. */
const readyRestMs = 5000;
const failedRestMs = 1000;

/**
 * Logs when the store stops responding and when it responds again. The first successful check also logs warnings about
 * the store's configuration, if it can lose sessions.
 * @returns a function that stops the checks
 */
export function reportStore(driver: Driver, log: Log): () => Promise<void> {
  const stopping = new AbortController();
  void watch(driver, log, stopping.signal);
  return async () => stopping.abort();
}

async function watch(driver: Driver, log: Log, signal: AbortSignal): Promise<void> {
  let failure: Error | undefined;
  let hasWarned = false;
  while (!signal.aborted) {
    const before = failure;
    const found = await look(driver, hasWarned);
    if (signal.aborted) return;
    failure = found.failure;
    hasWarned ||= !failure;
    if (failure && !before) log.error(describe(failure));
    if (!failure && before) log.info('the store responds again');
    for (const warning of found.warnings) log.warn(warning);
    await rest(failure ? failedRestMs : readyRestMs, signal);
  }
}

async function look(driver: Driver, hasWarned: boolean): Promise<{ failure?: Error; warnings: string[] }> {
  try {
    await driver.ping();
    return { warnings: hasWarned ? [] : ((await driver.warnings?.()) ?? []) };
  } catch (error) {
    return { failure: error as Error, warnings: [] };
  }
}

function describe(failure: Error): string {
  if (failure instanceof StoreReplaced) return failure.message;
  return `the store does not respond, so requests get a 503: ${failure}`;
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await wait(ms, undefined, { ref: false, signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

import { setTimeout as wait } from 'node:timers/promises';
import type { Store } from 'express-session';
import { type AdoptingDriver, moveMs } from '../stores/adopting-driver.ts';
import { inBatches } from '../stores/batches.ts';
import { CannotList } from '../stores/errors.ts';
import { idsOf } from '../stores/express-list.ts';
import { identifiedKeyOf } from '../stores/session-key.ts';
import type { SessionOptions } from './options.ts';
import { driverFor, isDriver, toAdoption } from './store-option.ts';

/** How many sessions move at once. The limit keeps requests from waiting long. */
const batchSize = 20;

/**
 * Moves all sessions of an express-session store to another store. The application may run meanwhile. The result is the same
 * as when each user returns and `session()` moves the session. It opens the stores as `session()` does, and closes neither.
 * @param options the options of `session()`, with `adopt`
 * @param ids the ids of the sessions to move; by default all ids that the old store lists
 * @returns `moved`: how many sessions moved; `failed`: how many could not be read or moved and stay in the old store
 * @throws TypeError when `adopt` is missing, or is a sessapp store, which has no session ids
 * @throws CannotList when the old store cannot list its sessions and `ids` is missing
 */
export async function adoptSessions(
  options: Omit<SessionOptions, 'secret'>,
  ids?: Iterable<string> | AsyncIterable<string>,
): Promise<{ moved: number; failed: number }> {
  const { adopt } = options;
  if (adopt === undefined) throw new TypeError('adoptSessions needs the option adopt: the store to move sessions from');
  const { store } = toAdoption(adopt);
  if (isDriver(store))
    throw new TypeError(
      'adoptSessions cannot move sessions from a sessapp store: it has session keys, not ids. They move when their users return',
    );
  const driver = driverFor({ ...options, adopt: { store, moveAfterMs: 0 } }) as AdoptingDriver;
  const { left, ...counts } = await moveAll(driver, ids ?? (await listIds(store)));
  if (left.length > 0) await wait(moveMs);
  for await (const batch of inBatches(left, batchSize))
    await Promise.all(batch.map((sessionKey) => driver.removeCopy(sessionKey)));
  return counts;
}

async function listIds(store: Store): Promise<string[]> {
  try {
    return await idsOf(store);
  } catch (error) {
    if (error instanceof CannotList) throw new CannotList('Pass the ids as the second argument of adoptSessions');
    throw error;
  }
}

/** @returns the counts, and in `left` the session keys of sessions that both stores may hold */
async function moveAll(
  driver: AdoptingDriver,
  ids: Iterable<string> | AsyncIterable<string>,
): Promise<{ moved: number; failed: number; left: string[] }> {
  const done = { moved: 0, failed: 0, left: [] as string[] };
  for await (const batch of inBatches(ids, batchSize)) {
    const sessionKeys = batch.map(identifiedKeyOf);
    const results = await Promise.allSettled(sessionKeys.map((sessionKey) => driver.move(sessionKey)));
    verifyUsable(results);
    for (const [n, result] of results.entries()) {
      if (result.status === 'rejected') done.failed += 1;
      else if (result.value) done.moved += 1;
      else done.left.push(sessionKeys[n] ?? '');
    }
  }
  return done;
}

// One unreadable session counts as one failure. If all calls fail, the store itself is unusable.
function verifyUsable(results: PromiseSettledResult<unknown>[]): void {
  const [first] = results;
  if (results.length > 1 && first?.status === 'rejected' && results.every(({ status }) => status === 'rejected'))
    throw first.reason;
}

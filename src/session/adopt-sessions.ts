import { setTimeout as wait } from 'node:timers/promises';
import { type AdoptingDriver, moveMs } from '../stores/adopting-driver.ts';
import { inBatches } from '../stores/batches.ts';
import { idsOf } from '../stores/express-list.ts';
import { identifiedKeyOf } from '../stores/session-key.ts';
import type { SessionOptions } from './options.ts';
import { driverFor, isDriver, toAdoption } from './store-option.ts';

/** How many sessions move at once: no request waits long for them. */
const batchSize = 20;

/**
 * Moves all sessions of an express-session store to another store, also while the application runs; each becomes the same as
 * when its user comes. It opens the stores as `session()` does, and closes neither.
 * @param options those of `session()`, with `adopt`
 * @param ids of the sessions to move; by default those that the old store lists
 * @returns how many it moved, and how many it could not read or move: these stay where they are
 * @throws TypeError when `adopt` is missing or is a store of sessapp, which knows no ids
 * @throws CannotList when the old store cannot list its sessions, and there are no `ids`
 */
export async function adoptSessions(
  options: Omit<SessionOptions, 'secret'>,
  ids?: Iterable<string> | AsyncIterable<string>,
): Promise<{ moved: number; failed: number }> {
  const { adopt } = options;
  if (adopt === undefined)
    throw new TypeError('adoptSessions needs to know what to move: the option adopt names the store');
  const { store } = toAdoption(adopt);
  if (isDriver(store))
    throw new TypeError(
      'adoptSessions cannot move sessions from a store that has session keys in the place of ids: they move when their users come',
    );
  const driver = driverFor({ ...options, adopt: { store, moveAfterMs: 0 } }) as AdoptingDriver;
  const { left, ...counts } = await moveAll(driver, ids ?? (await idsOf(store)));
  if (left.length > 0) await wait(moveMs);
  for await (const batch of inBatches(left, batchSize))
    await Promise.all(batch.map((sessionKey) => driver.removeCopy(sessionKey)));
  return counts;
}

/** @returns the session keys of those that may have a copy in both stores, too */
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

// A session that cannot be read is one failure. When all fail, the store cannot be used.
function verifyUsable(results: PromiseSettledResult<unknown>[]): void {
  const [first] = results;
  if (results.length > 1 && first?.status === 'rejected' && results.every(({ status }) => status === 'rejected'))
    throw first.reason;
}

import type { AdoptingDriver } from '../stores/adopting-driver.ts';
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
 * @returns how many it moved
 * @throws TypeError when `adopt` is missing or is a store of sessapp, which knows no ids
 * @throws CannotList when the old store cannot list its sessions, and there are no `ids`
 */
export async function adoptSessions(
  options: Omit<SessionOptions, 'secret'>,
  ids?: Iterable<string> | AsyncIterable<string>,
): Promise<{ moved: number }> {
  const { adopt } = options;
  if (adopt === undefined)
    throw new TypeError('adoptSessions needs to know what to move: the option adopt names the store');
  const { store } = toAdoption(adopt);
  if (isDriver(store))
    throw new TypeError(
      'adoptSessions cannot move sessions from a store that has session keys in the place of ids: they move when their users come',
    );
  const driver = driverFor({ ...options, adopt: { store, moveAfterMs: 0 } }) as AdoptingDriver;
  let moved = 0;
  for await (const batch of inBatches(ids ?? (await idsOf(store)), batchSize)) {
    const results = await Promise.all(batch.map((id) => driver.move(identifiedKeyOf(id))));
    moved += results.filter(Boolean).length;
  }
  return { moved };
}

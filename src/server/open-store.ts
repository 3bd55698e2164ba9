import { delegate } from '../stores/delegate.ts';
import type { Driver } from '../stores/driver.ts';
import { StoreAddressError } from '../stores/errors.ts';
import { FollowedStore, type FollowLog } from '../migration/follow-store.ts';
import type { Settings } from '../settings/settings.ts';
import { StartError } from '../settings/start-error.ts';

/**
 * The environment's store, whichever that is while the server runs.
 * @throws StartError when it cannot be used
 */
export async function openStore(directory: string, settings: Settings, log: FollowLog): Promise<Driver> {
  try {
    return delegate(await FollowedStore.open(directory, process.env, log));
  } catch (error) {
    if (error instanceof StartError) throw error;
    if (error instanceof StoreAddressError) throw new StartError(error.code, error.message, error.hint);
    const { message } = error as Error;
    throw new StartError(
      'store-unavailable',
      `The ${settings.store} store cannot be opened: ${message}.`,
      `What it keeps in ${settings.dataDirectory} must be this user's own, on a disk that can be written and has room.`,
    );
  }
}

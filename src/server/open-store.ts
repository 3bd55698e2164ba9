import { UserError } from '../errors.ts';
import { FollowedStore, type FollowLog } from '../migration/follow-store.ts';
import type { Settings } from '../settings/settings.ts';
import type { Driver } from '../stores/driver.ts';
import { StoreAddressError } from '../stores/errors.ts';
import { wrap } from '../stores/wrap.ts';

/**
 * The environment's store, whichever that is while the server runs.
 * @throws UserError when it cannot be used
 */
export async function openStore(directory: string, settings: Settings, log: FollowLog): Promise<Driver> {
  try {
    const followed = await FollowedStore.open(directory, process.env, log);
    return wrap(
      async (call) => call(await followed.current()),
      () => followed.close(),
    );
  } catch (error) {
    if (error instanceof UserError) throw error;
    if (error instanceof StoreAddressError) throw new UserError(error.code, error.message, error.hint);
    const { message } = error as Error;
    throw new UserError(
      'store-unavailable',
      `The ${settings.store} store cannot be opened: ${message}.`,
      `What it keeps in ${settings.dataDirectory} must be whole and this user's own, on a disk that can be written and has room. ` +
        'To find out what is wrong: sessapp doctor',
    );
  }
}

import { UserError } from '../errors.ts';
import { FollowedStore, type FollowLog } from '../migration/follow-store.ts';
import type { Settings } from '../settings/settings.ts';
import type { Driver } from '../stores/driver.ts';
import { StoreAddressError } from '../stores/errors.ts';
import { wrap } from '../stores/wrap.ts';

/**
 * Opens the environment's store. Each call uses the current store, also after a migration to another one.
 * @throws UserError when the store cannot be opened
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
      `${settings.store === 'embedded' ? filesOf(settings) : ''}To find the cause, type: sessapp doctor`,
    );
  }
}

function filesOf({ dataDirectory }: Settings): string {
  return `Its files in ${dataDirectory} must be intact, owned by this user, and on a writable disk with free space. `;
}

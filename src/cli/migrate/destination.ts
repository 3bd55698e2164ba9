import { UsageError, UserError } from '../../errors.ts';
import { storeKinds, storeNames } from '../../settings/stores.ts';
import { overlay, readVariables } from '../../settings/variables.ts';
import type { System } from '../../system.ts';
import { readStoreUrl } from '../admin/store.ts';
import { findRunningServer } from '../control/server-record.ts';
import type { Environment } from '../environment/find.ts';
import { verifyChoice } from '../nearest.ts';
import { chooseStoreUrl, verifyNoPassword, withoutUser } from '../scaffold/options/store-url.ts';
import { commandLine } from '../shells/shells.ts';
import { type Destination, nextVariable } from './migrate.ts';
import { verifyRollback } from './roll-back.ts';

/**
 * Decides where the sessions move to: the store on the command line, or the target of an interrupted move.
 * @param said the address on the command line
 * @throws UserError when they cannot move there; its message repeats no part of an address
 */
export async function decideDestination(
  system: System,
  environment: Environment,
  store: string,
  said: string | undefined,
): Promise<Destination> {
  await verifyChoice('store', store, storeNames);
  if (said !== undefined) verifyNoPassword(said, nextVariable);
  await verifyFollows(system, environment);
  const { migration } = environment.marker;
  if (migration) return goOn(system, environment, store, said);
  // An interrupted call may have written the address to `.env`.
  const variables = overlay(await readVariables(environment.directory), system.env);
  const url = await chooseStoreUrl(store, said, variables, nextVariable);
  const address = storeKinds[store]?.address;
  if (address && url === undefined)
    throw new UsageError(
      `The address of the ${store} store is missing.`,
      `Add --store-url ${address.example}, or set ${nextVariable} to an address with a password.`,
    );
  const current = await readStoreUrl(system, environment);
  const isSame = store === environment.marker.store && (!url || withoutUser(url) === withoutUser(current ?? ''));
  if (!isSame) return { store, url };
  throw new UserError('same-store', `The sessions are already in this ${store} store.`, 'Name another store.');
}

/**
 * Decides which move to cancel, even if an interrupted call only installed a driver.
 * @throws UserError when there is no move, or it can no longer be cancelled
 */
export async function decideRollback(
  system: System,
  environment: Environment,
  store: string,
  said: string | undefined,
): Promise<Destination> {
  await verifyChoice('store', store, storeNames);
  const destination = environment.marker.migration
    ? await goOn(system, environment, store, said)
    : { store, url: undefined };
  await verifyRollback(environment);
  return destination;
}

/** @throws UserError when STORE_URL is set as an environment variable: it overrides `.env`, so a server cannot follow */
async function verifyFollows(system: System, environment: Environment): Promise<void> {
  const server = await findRunningServer(environment);
  const where = system.env.STORE_URL
    ? 'here'
    : server?.hasOwnStoreUrl && `for the running server (process ${server.pid})`;
  if (!where) return;
  throw new UserError(
    'store-url-in-environment',
    `STORE_URL is set in the environment variables ${where}. It overrides .env, so a server cannot follow a move.`,
    'Write STORE_URL into .env, unset the variable and restart the server. Then run the same command again.',
  );
}

async function goOn(
  system: System,
  { directory, marker: { migration } }: Environment,
  store: string,
  said: string | undefined,
): Promise<Destination> {
  const { [nextVariable]: url } = await readVariables(directory);
  const isOther = said !== undefined && url !== undefined && said !== url && withoutUser(said) !== withoutUser(url);
  if (store === migration?.to && !isOther) return { store, url };
  throw new UserError(
    'migration-unfinished',
    `The sessions are being moved to another ${store === migration?.to ? 'address' : `store (${migration?.to})`}.`,
    `To finish that move first: ${await commandLine(system, directory, 'store migrate', migration?.to ?? '')}`,
  );
}

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
 * Where the sessions are to go: to what was named, or on to where an interrupted move is going.
 * @param said the address on the command line
 * @throws UserError when they cannot go there; nothing of an address is repeated
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
  // An interrupted call may have written it down.
  const variables = overlay(await readVariables(environment.directory), system.env);
  const url = await chooseStoreUrl(store, said, variables, nextVariable);
  const address = storeKinds[store]?.address;
  if (address && url === undefined)
    throw new UsageError(
      `Where is the store ${store}?`,
      `Add --store-url ${address.example}, or set ${nextVariable} to an address with a password.`,
    );
  const current = await readStoreUrl(system, environment);
  const isSame = store === environment.marker.store && (!url || withoutUser(url) === withoutUser(current ?? ''));
  if (!isSame) return { store, url };
  throw new UserError('same-store', `The sessions are in that store (${store}) already.`, 'Name another one.');
}

/**
 * Where the sessions were to go, also when an interrupted call has left no more of it than a driver.
 * @throws UserError when nothing is to be taken back, or it cannot be
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

/** @throws UserError when STORE_URL is set where it wins over `.env`: then no server can follow */
async function verifyFollows(system: System, environment: Environment): Promise<void> {
  const server = await findRunningServer(environment);
  const who = system.env.STORE_URL
    ? 'here'
    : server?.hasOwnStoreUrl && `for the server that runs (process ${server.pid})`;
  if (!who) return;
  throw new UserError(
    'store-url-in-environment',
    `STORE_URL is set in the environment variables ${who}, and wins over .env: a server cannot follow a change there.`,
    'Write it into .env, unset the variable, and restart the server; then run the same command again.',
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
    `The sessions are on their way to another store${store === migration?.to ? ', at another address' : ` (${migration?.to})`}.`,
    `Let that come to its end first: ${await commandLine(system, directory, 'store migrate', migration?.to ?? '')}`,
  );
}

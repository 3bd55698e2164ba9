import { UsageError, UserError } from '../../../errors.ts';
import { type StoreAddress, storeKinds } from '../../../settings/stores.ts';
import type { System } from '../../../system.ts';
import { readStoreUrl } from '../../admin/store.ts';
import type { Environment } from '../../environment/find.ts';

/** The variable with the address of the store. Only this variable may contain a password, not the command line. */
const storeVariable = 'STORE_URL';

/**
 * Other users can read a command line in the process list, and it is kept in the shell history.
 * @throws UsageError when the address contains a password. The message does not repeat the address.
 */
export function verifyNoPassword(url: string, variable = storeVariable): void {
  if (!hasPassword(url)) return;
  throw new UsageError(
    'The address contains a password, which other users can read on a command line.',
    `Leave --store-url out, and set the environment variable ${variable} instead. It is written to .env, which only you can read.`,
  );
}

/**
 * The address of the store: the given one, else the value of the variable.
 * @throws UserError when it is not a valid address for this store
 */
export async function chooseStoreUrl(
  store: string,
  given: string | undefined,
  env: NodeJS.ProcessEnv,
  variable = storeVariable,
): Promise<string | undefined> {
  const address = storeKinds[store]?.address;
  if (address)
    return given === undefined ? readVariable(store, address, env, variable) : verifyGiven(store, address, given);
  if (given === undefined) return undefined;
  throw new UsageError(
    `The store ${store} takes no address.`,
    'Leave --store-url out, or choose another store with --store.',
  );
}

/** @throws UserError when the address is not valid for this store, or contains a password */
export function verifyAddress(store: string, url: string): void {
  verifyNoPassword(url);
  const address = storeKinds[store]?.address;
  if (address) verifyGiven(store, address, url);
}

/** @throws UserError when the existing environment has another store address than the given one */
export async function verifySameStoreUrl(
  system: System,
  environment: Environment,
  given: string | undefined,
): Promise<void> {
  if (given === undefined) return;
  const { directory, marker } = environment;
  const wanted = await chooseStoreUrl(marker.store, given, system.env);
  const found = await readStoreUrl(system, environment);
  if (found !== undefined && withoutUser(found) === withoutUser(wanted ?? '')) return;
  const fact = `${directory} is already an environment, and its ${storeVariable} is ${found === undefined ? 'not set' : 'different'}.`;
  throw new UserError('exists', fact, `Set ${storeVariable} in its .env, or choose another directory.`);
}

function verifyGiven(store: string, address: StoreAddress, given: string): string {
  if (isAddress(given, address)) return given;
  throw new UsageError(
    `The address is not valid for the store ${store}.`,
    `For example: --store-url ${address.example}`,
  );
}

function readVariable(
  store: string,
  address: StoreAddress,
  env: NodeJS.ProcessEnv,
  variable: string,
): string | undefined {
  const url = env[variable];
  if (!url || isAddress(url, address)) return url || undefined;
  const remedy = `Set it to an address, for example ${variable}=${address.example}, or unset it.`;
  throw new UserError('store-url-bad', `${variable} is not a valid address for the store ${store}.`, remedy);
}

/** The address without its user name and password. */
export function withoutUser(url: string): string {
  return url.replace(/\/\/[^/?]*@/, '//');
}

function hasPassword(url: string): boolean {
  const [, afterProtocol = url] = /^\w+:\/\/(.*)$/s.exec(url) ?? [];
  const at = afterProtocol.lastIndexOf('@');
  return afterProtocol.slice(0, Math.max(0, at)).includes(':') || /[?&]password=/i.test(url);
}

// The address is written to .env without escaping, so some characters are refused. It may list several hosts, separated by
// commas. The driver checks the rest.
function isAddress(url: string, { protocols }: StoreAddress): boolean {
  const [, protocol = '', user = '', host = '', rest = ''] =
    /^(\w+):\/\/([^/?]*@)?([^/?,]*)(?:,[^/?]*)?([/?].*)?$/.exec(url) ?? [];
  const isPlain = /^[!-~]+$/.test(url) && !/["'`\\#]/.test(url);
  return isPlain && protocols.includes(protocol) && host !== '' && URL.canParse(`${protocol}://${user}${host}${rest}`);
}

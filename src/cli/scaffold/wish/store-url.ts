import { UsageError, UserError } from '../../../errors.ts';
import { type StoreAddress, storeKinds } from '../../../settings/stores.ts';
import type { System } from '../../../system.ts';
import { readStoreUrl } from '../../admin/store.ts';
import type { Environment } from '../../environment/find.ts';

/** The variable that says where the store is; it alone may hold a password. */
const storeVariable = 'STORE_URL';

/**
 * A command line can be read by others, in the list of processes and in a history.
 * @throws UsageError when there is a password in it; nothing of it is repeated
 */
export function verifyNoPassword(url: string, variable = storeVariable): void {
  if (!hasPassword(url)) return;
  throw new UsageError(
    'An address with a password does not belong on a command line: others can read it there.',
    `Set the variable ${variable} to it and leave --store-url out: it is written into .env, which you alone can read.`,
  );
}

/**
 * Where a store is: what was said, else what the variable holds.
 * @throws UserError when that is no address of this store
 */
export async function chooseStoreUrl(
  store: string,
  said: string | undefined,
  env: NodeJS.ProcessEnv,
  variable = storeVariable,
): Promise<string | undefined> {
  const address = storeKinds[store]?.address;
  if (address)
    return said === undefined ? readVariable(store, address, env, variable) : verifySaid(store, address, said);
  if (said === undefined) return undefined;
  throw new UsageError(
    `The store ${store} has no address.`,
    'Leave --store-url out, or choose another store with --store.',
  );
}

/** @throws UserError when what a person answers is not a valid address of this store, or holds a password */
export function verifyAddress(store: string, url: string): void {
  verifyNoPassword(url);
  const address = storeKinds[store]?.address;
  if (address) verifySaid(store, address, url);
}

/** @throws UserError when an environment that is there has its store elsewhere than was said */
export async function verifySameStoreUrl(
  system: System,
  environment: Environment,
  said: string | undefined,
): Promise<void> {
  if (said === undefined) return;
  const { directory, marker } = environment;
  const wanted = await chooseStoreUrl(marker.store, said, system.env);
  const found = await readStoreUrl(system, environment);
  if (found !== undefined && withoutUser(found) === withoutUser(wanted ?? '')) return;
  const fact = `${directory} is already an environment, whose ${storeVariable} is ${found === undefined ? 'not set' : 'another one'}.`;
  throw new UserError('exists', fact, `Set ${storeVariable} in its .env, or name another directory.`);
}

function verifySaid(store: string, address: StoreAddress, said: string): string {
  if (isAddress(said, address)) return said;
  throw new UsageError(`That is no address of the store ${store}.`, `For example: --store-url ${address.example}`);
}

function readVariable(
  store: string,
  address: StoreAddress,
  env: NodeJS.ProcessEnv,
  variable: string,
): string | undefined {
  const url = env[variable];
  if (!url || isAddress(url, address)) return url || undefined;
  const remedy = `Set it to one, for example: ${variable}=${address.example}, or unset it.`;
  throw new UserError('store-url-bad', `${variable} holds no address of the store ${store}.`, remedy);
}

/** An address as far as it says where the store is. */
export function withoutUser(url: string): string {
  return url.replace(/\/\/[^/?]*@/, '//');
}

function hasPassword(url: string): boolean {
  const [, afterProtocol = url] = /^\w+:\/\/(.*)$/s.exec(url) ?? [];
  const at = afterProtocol.lastIndexOf('@');
  return afterProtocol.slice(0, Math.max(0, at)).includes(':') || /[?&]password=/i.test(url);
}

// It is written into .env as it is. There may be several hosts, separated by commas; the driver looks at it closely.
function isAddress(url: string, { protocols }: StoreAddress): boolean {
  const [, protocol = '', user = '', host = '', rest = ''] =
    /^(\w+):\/\/([^/?]*@)?([^/?,]*)(?:,[^/?]*)?([/?].*)?$/.exec(url) ?? [];
  const isPlain = /^[!-~]+$/.test(url) && !/["'`\\#]/.test(url);
  return isPlain && protocols.includes(protocol) && host !== '' && URL.canParse(`${protocol}://${user}${host}${rest}`);
}

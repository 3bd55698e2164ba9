import type { AddressRules, Driver } from './driver.ts';
import { verifyingFiles } from './embedded/opened-files.ts';
import { StoreAddressError } from './errors.ts';
import { hidePassword } from './hide-password.ts';
import { importPeer } from './peer.ts';

/** The exports of a network store's folder. */
interface NetworkStore extends AddressRules {
  /** Connects in the background, and reconnects after each loss. Without a connection, calls reject quickly. */
  open(url: string, name: string): Promise<Driver>;
}

const networkStores: Record<string, () => Promise<NetworkStore>> = {
  redis: () =>
    importPeer('the redis store', 'redis', async () => ({
      ...(await import('./redis/address.ts')),
      ...(await import('./redis/driver.ts')),
    })),
  postgres: () =>
    importPeer('the postgres store', 'pg', async () => ({
      ...(await import('./postgres/address.ts')),
      ...(await import('./postgres/driver.ts')),
    })),
};

/** True for a network store; false for a store that is a file. */
export function hasAddress(store: string): boolean {
  return networkStores[store] !== undefined;
}

/** @param directory an absolute path; it need not exist */
export async function openEmbedded(directory: string): Promise<Driver> {
  const { open } = await importPeer('the embedded store', 'lmdb', () => import('./embedded/driver.ts'));
  return verifyingFiles(await open(directory), directory);
}

/**
 * @param name separates the sessions of several applications in one store
 * @param variable the name of the variable with the address, for messages; by default the option `url`
 * @throws StoreAddressError when the address is missing or not valid
 */
export async function openAt(store: string, url: string | undefined, name: string, variable?: string): Promise<Driver> {
  const address = await verifyStoreAddress(store, url, variable);
  const { open } = await loadStore(store);
  return hidePassword(await open(address, name), address);
}

/**
 * @param variable the name of the variable with the address, for messages; by default the option `url`
 * @throws StoreAddressError when the address is missing or not valid
 */
export async function verifyStoreAddress(store: string, url: string | undefined, variable?: string): Promise<string> {
  const { example, findFault } = await loadStore(store);
  const hint = `For example: ${variable === undefined ? `url: '${example}'` : `${variable}=${example}`}`;
  const name = variable ?? 'url';
  if (!url)
    throw new StoreAddressError('store-url-missing', `${name} is not set: the ${store} store needs an address.`, hint);
  const fault = findFault(url);
  if (fault !== undefined) throw new StoreAddressError('store-url-bad', `${name} ${fault}.`, hint);
  return url;
}

async function loadStore(store: string): Promise<NetworkStore> {
  const load = networkStores[store];
  if (!load) throw new TypeError(`there is no store '${store}'`);
  return load();
}

import { extname } from 'node:path';
import type { AddressRules, Driver, DriverModule, DriverOptions } from './driver.ts';
import { hidePassword } from './hide-password.ts';
import { StoreAddressError } from './errors.ts';

/**
 * Opens the store of this name with the driver in the file of that name beside this one.
 * @throws StoreAddressError when the store needs an address and has none that it can use
 */
export async function openDriver(store: string, options: DriverOptions): Promise<Driver> {
  const { open, address } = await loadDriver(store);
  if (!address) return open(options);
  const url = verifyAddress(store, address, options.url);
  return hidePassword(await open(options), url);
}

/** False for a store that is where the environment is. */
export async function hasAddress(store: string): Promise<boolean> {
  return (await loadDriver(store)).address !== undefined;
}

async function loadDriver(store: string): Promise<DriverModule> {
  const file = new URL(`./${store}${extname(import.meta.url)}`, import.meta.url);
  return (await import(file.href)) as DriverModule;
}

function verifyAddress(store: string, { example, findFault }: AddressRules, url: string | undefined): string {
  const hint = `Set it in .env or in the environment, for example: STORE_URL=${example}`;
  if (!url) {
    const fact = `STORE_URL is not set: it is to say where the store is (${store}).`;
    throw new StoreAddressError('store-url-missing', fact, hint);
  }
  const fault = findFault(url);
  if (fault === undefined) return url;
  throw new StoreAddressError('store-url-bad', `STORE_URL ${fault}.`, hint);
}

import { extname } from 'node:path';
import type { Driver, DriverOptions } from './driver.ts';

/** Opens the store of this name with the driver in the file of that name beside this one. */
export async function openDriver(store: string, options: DriverOptions): Promise<Driver> {
  const file = new URL(`./${store}${extname(import.meta.url)}`, import.meta.url);
  const { open } = (await import(file.href)) as { open(options: DriverOptions): Promise<Driver> };
  return open(options);
}

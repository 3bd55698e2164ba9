import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OpenStores } from '../../src/migration/open-stores.ts';
import { readStores } from '../../src/migration/read-stores.ts';
import { Sandbox } from '../support/sandbox.ts';

test('a store without an address is opened once, whatever STORE_URL is, and is reused while it waits to be closed', async () => {
  const stores = new OpenStores({ dataDirectory: new Sandbox().path('data'), name: 'shop' });
  const driver = await stores.use({ store: 'embedded' });
  expect(await stores.use({ store: 'embedded', url: 'redis://a' })).toBe(driver);
  await expect(stores.use({ store: 'missing' })).rejects.toThrow(/missing/);
  const both = await stores.use({ store: 'embedded', next: { store: 'embedded', phase: 'move', url: 'redis://b' } });
  expect(both).toMatchObject({ from: driver, to: driver });
  await stores.close();
});

test('during a move, a fault in the address of the new store is reported for NEXT_STORE_URL', async () => {
  const directory = await new Sandbox().environment();
  const path = join(directory, 'sessapp.json');
  const migration = { from: 'embedded', to: 'redis', phase: 'prepare' };
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), migration }));
  await appendFile(join(directory, '.env'), 'NEXT_STORE_URL=redis://a/not-a-number\n');
  const stores = new OpenStores({ dataDirectory: join(directory, 'data'), name: 'shop' });
  const opened = stores.use(await readStores(directory, {}));
  await expect(opened).rejects.toThrow('NEXT_STORE_URL has a database that is not a number.');
  await stores.close();
});

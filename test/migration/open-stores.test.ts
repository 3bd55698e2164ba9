import { expect, test } from 'vitest';
import { OpenStores } from '../../src/migration/open-stores.ts';
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

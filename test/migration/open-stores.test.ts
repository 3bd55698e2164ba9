import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { OpenStores } from '../../src/migration/open-stores.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment } from '../support/server.ts';

test('a store without an address is opened once, whatever STORE_URL says, and again when it was about to be closed', async () => {
  const environment = await copyEnvironment(new Sandbox());
  const module = (await import(join(environment, 'session', 'open-stores.js'))) as { OpenStores: typeof OpenStores };
  const stores = new module.OpenStores({ dataDirectory: join(environment, 'data'), name: 'shop' });
  const driver = await stores.use({ store: 'embedded' });
  expect(await stores.use({ store: 'embedded', url: 'redis://a' })).toBe(driver);
  await expect(stores.use({ store: 'missing' })).rejects.toThrow(/missing/);
  const both = await stores.use({ store: 'embedded', next: { store: 'embedded', phase: 'move', url: 'redis://b' } });
  expect(both).toMatchObject({ from: driver, to: driver });
  await stores.close();
});

import { afterAll, beforeAll, describe, onTestFinished } from 'vitest';
import { openAt } from '../../src/stores/open-driver.ts';
import { describeUserSessions } from '../session/user-sessions.ts';
import { type RunningStore, sharedStores } from '../support/shared-stores.ts';

const remote = sharedStores.filter(({ store, missing }) => store !== 'embedded' && missing === undefined);

describe.each(remote)('$title', ({ title, store, start }) => {
  let running: RunningStore;
  let count = 0;

  beforeAll(async () => {
    running = await start();
  });

  afterAll(() => running.remove());

  // Each test uses a different name in the store.
  describeUserSessions(title, async () => {
    count += 1;
    const driver = await openAt(store, running.url?.href, `site${count}`, 'STORE_URL');
    onTestFinished(() => driver.close());
    return driver;
  });
});

import { writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openPage } from '../support/docs.ts';
import {
  installEcosystem,
  type Library,
  runProgram,
  startApplication,
  startFile,
  writeProgram,
} from '../support/ecosystem.ts';
import { Balancer, Customer } from '../support/rolling-shop.ts';
import { Sandbox } from '../support/sandbox.ts';
import { sharedStores } from '../support/shared-stores.ts';

installEcosystem();

const page = openPage('docs/adopt.md', import.meta.filename);

/** The old store that each store replaces. */
const oldStores: Record<string, string> = {
  embedded: 'session-file-store',
  redis: 'connect-redis',
  postgres: 'connect-pg-simple',
};
const processes = 3;

describe.each(sharedStores)('an application that moves to $title', ({ store, missing, start }) => {
  test.skipIf(missing)(
    `from express-session and ${oldStores[store]} under load: nobody is logged out${because(missing)}`,
    async () => {
      const sandbox = new Sandbox();
      const running = await start();
      onTestFinished(() => running.remove());
      const place = {
        OLD_PLACE: running.url?.href ?? sandbox.path('old'),
        NEW_PLACE: running.url?.href ?? sandbox.path('new'),
      };
      const env = { STORE: store, ...place };
      const shop = (library: Library, more = {}): ReturnType<typeof startApplication> =>
        startApplication('rolling-shop', library, { ...env, ...more });
      const balancer = new Balancer();
      const replaceAll = (library: Library, more = {}): Promise<void> =>
        balancer.replaceAll(processes, () => shop(library, more));

      await replaceAll('express-session');
      const sleepers = Array.from({ length: 10 }, (_, n) => new Customer(balancer, `sleeper${n}`));
      for (const sleeper of sleepers) await sleeper.act('log in');
      const customers = Array.from({ length: 6 }, (_, n) => new Customer(balancer, `customer${n}`));
      let isOpen = true;
      const visits = Promise.all(customers.map((customer) => customer.visit(() => isOpen)));
      const someClicks = async (): Promise<void> => {
        const before = customers.map(({ clicks }) => clicks);
        while (isOpen && customers.some(({ clicks }, n) => clicks < (before[n] ?? 0) + 5)) await wait(20);
        if (!isOpen) await visits;
      };
      visits.catch(() => undefined).finally(() => (isOpen = false));

      await someClicks();
      // Change only the import, and change it back.
      await replaceAll('sessapp/session');
      await someClicks();
      await replaceAll('express-session');
      await someClicks();
      // Move to the new store.
      await replaceAll('sessapp/session', { ADOPT: 'new<old' });
      await someClicks();
      for (const url of balancer.urls) {
        await fetch(`${url}/wait`, { method: 'POST' });
        await someClicks();
      }
      expect(JSON.parse(await runProgram('adopt-all.js', env))).toEqual({ moved: sleepers.length, failed: 0 });
      await replaceAll('sessapp/session', { ADOPT: 'new' });
      await someClicks();
      // Move back to express-session.
      await replaceAll('sessapp/session', { ADOPT: 'old<new' });
      for (const url of balancer.urls) await fetch(`${url}/wait`, { method: 'POST' });
      await someClicks();
      for (const sleeper of sleepers) await sleeper.act('look');
      await replaceAll('express-session');
      await someClicks();
      isOpen = false;
      await visits;
      for (const sleeper of sleepers) await sleeper.act('look');
    },
  );
});

const redis = sharedStores.find(({ store }) => store === 'redis');

test.skipIf(redis?.missing)(`the steps of docs/adopt.md keep a user logged in${because(redis?.missing)}`, async () => {
  const running = await redis?.start();
  onTestFinished(async () => running?.remove());
  const env = { REDIS_URL: running?.url?.href ?? '' };
  const [shared = '', adopting = '', script = '', fileScript = '', back = ''] = page.blocks.map(
    (block) => page.take(block.heading, 'js').code,
  );
  const withExpressSession = shared.replace("'sessapp/session'", "'express-session'");
  const ann = new Customer(new Balancer(), 'ann');
  const visit = async (sessions: string): Promise<void> => {
    const file = await writeProgram(sessions);
    ann.balancer = new Balancer();
    await ann.balancer.replaceAll(1, () => startFile('page-shop.js', { ...env, SESSIONS: file }));
    await ann.act(ann.clicks === 0 ? 'log in' : 'look');
    await ann.act('add');
  };
  for (const sessions of [withExpressSession, shared, adopting]) await visit(sessions);
  expect(await runProgram(await writeProgram(script), env)).toBe('{ moved: 1, failed: 0 }');
  const files = new Sandbox();
  const stored = {
    cookie: { originalMaxAge: null, httpOnly: true, path: '/' },
    userId: 'bob',
    __lastAccess: Date.now(),
  };
  await writeFile(files.path('an-id.json'), JSON.stringify(stored));
  const fromFiles = fileScript.replace("'sessions'", JSON.stringify(files.directory));
  expect(await runProgram(await writeProgram(fromFiles), env)).toBe('{ moved: 1, failed: 0 }');
  await visit(adopting.replace(/^ *adopt:.*\n/m, ''));
  await visit(back.replace(/adopt: (.*),$/m, 'adopt: { store: $1, moveAfterMs: 0 },'));
  await visit(withExpressSession);
});

function because(missing: string | undefined): string {
  return missing === undefined ? '' : ` (${missing})`;
}

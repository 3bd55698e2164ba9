import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/migration/open-stores.ts';
import { requireMarker } from '../../src/settings/marker.ts';
import { type Dashboard, untilListening } from '../support/dashboard.ts';
import { hourMs, keyOf, record } from '../support/records.ts';
import { cli, finish, Sandbox } from '../support/sandbox.ts';
import { waitFor } from '../support/server.ts';
import { type RunningStore, sharedStores } from '../support/shared-stores.ts';

const count = 100_000;
const pageSize = 50;
/** With more concurrent calls, some would wait too long for a connection. */
const batchSize = 100;
const text = 'x'.repeat(1000);
/** The data of all sessions is twice as large. */
const heapMegabytes = 48;

for (const { title, missing } of sharedStores) if (missing !== undefined) test.skip(`${title} (${missing})`);

const present = sharedStores.filter(({ missing }) => missing === undefined);

describe.each(present)(`${count} sessions in $title`, ({ store, start }) => {
  const sandbox = new Sandbox(afterAll);
  let running: RunningStore;
  let environment: string;
  let dashboard: Dashboard;

  beforeAll(async () => {
    running = await start();
    const env = running.url && { STORE_URL: running.url.href };
    expect(await sandbox.sessapp(['init', 'shop', '--store', store], { env })).toMatchObject({ exitCode: 0 });
    environment = sandbox.path('shop');
    await fill();
    const options = [`--max-old-space-size=${heapMegabytes}`, cli, 'dashboard', environment, '--json'];
    dashboard = await untilListening(sandbox.spawn(process.execPath, options));
    await dashboard.enter();
  });

  afterAll(() => running?.remove());

  async function fill(): Promise<void> {
    const { cookie: name } = await requireMarker(environment);
    const dataDirectory = join(environment, 'data');
    const driver = await openStore({ store, ...(running.url && { url: running.url.href }) }, { dataDirectory, name });
    const expiresAtMs = Date.now() + 24 * hourMs;
    for (let from = 0; from < count; from += batchSize) {
      const created = Array.from({ length: batchSize }, (_, n) => {
        const number = from + n;
        const owner = number === count - 1 ? 'a needle in it' : `user ${number % 5000}`;
        const data = JSON.stringify({ text });
        return driver.create(keyOf(number), record({ data, owner, expiresAtMs: expiresAtMs + number }));
      });
      await Promise.all(created);
    }
    await driver.close();
  }

  const list = async (query: string): Promise<{ sessions: { ref: string; owner: string }[]; hasMore: boolean }> =>
    (await dashboard.call('GET', `sessions?${query}`)).body;

  test('are listed, counted, found and ended in little memory', async () => {
    const first = await list('page=0');
    const middle = await list(`page=${count / pageSize / 2}`);
    const last = await list(`page=${count / pageSize - 1}`);
    expect(first.sessions.map(({ ref }) => ref)).toEqual(
      Array.from({ length: pageSize }, (_, n) => keyOf(n)).map(toRef),
    );
    expect([first, middle].map(({ sessions, hasMore }) => [sessions.length, hasMore])).toEqual([
      [pageSize, true],
      [pageSize, true],
    ]);
    expect([last.sessions.at(-1)?.owner, last.hasMore]).toEqual(['a needle in it', false]);

    for (const [search, expected] of [
      ['NEEDLE', 1],
      ['user+4999', 19],
      [keyOf(70_000), 1],
    ] as const)
      expect((await list(`search=${search}`)).sessions).toHaveLength(expected);

    const counts = await waitFor(async () => (await dashboard.call('GET', 'state')).body.counts, 120_000);
    expect(counts).toMatchObject({ live: count, anonymous: 0, damaged: 0 });

    expect((await dashboard.call('POST', 'end', { owner: 'user 7' })).body).toEqual({ ended: 20 });
    expect(await list('search=user+7')).toMatchObject({ hasMore: true });
    expect((await list('search=user+7')).sessions.map(({ owner }) => owner)).not.toContain('user 7');

    const ended = finish(dashboard.child);
    dashboard.child.kill('SIGINT');
    expect(await ended).toMatchObject({ exitCode: 0, stderr: '' });
  });
});

/** In a reference, a leading dash is written as a plus. */
function toRef(key: string): string {
  return key.replace(/^-/, '+');
}

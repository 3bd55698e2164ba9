import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { missingNamespaces, Network } from '../support/links.ts';
import { during, Machine, type MachineSettings, pages, User } from '../support/machines.ts';
import { startTcpProxy } from '../support/network.ts';
import { finish, Sandbox } from '../support/sandbox.ts';
import { addRoutes, copyEnvironment, request, waitFor } from '../support/server.ts';
import { findFreePort } from '../support/server-programs.ts';
import { type RunningStore, type SharedStore, sharedStores } from '../support/shared-stores.ts';

const secretOf = (seed: string): string => Buffer.alloc(32, `${seed}0123456789abcdef`).toString('base64url');
const [old, newer] = [secretOf('o'), secretOf('n')];
const noNamespaces = missingNamespaces();

/** The environments of two machines: two copies, or the same environment twice if its store is a file in it. */
async function prepare(sandbox: Sandbox, { store }: SharedStore, { url }: RunningStore): Promise<[string, string]> {
  if (!url) {
    const directory = await copyEnvironment(sandbox, 'both');
    await addRoutes(directory, pages);
    return [directory, directory];
  }
  const made = await sandbox.sessapp(['init', 'first', '--store', store, '--json'], { env: { STORE_URL: url.href } });
  expect(made).toMatchObject({ exitCode: 0 });
  await addRoutes(sandbox.path('first'), pages);
  await finish(sandbox.spawn('cp', ['-a', sandbox.path('first'), sandbox.path('second')]));
  return [sandbox.path('first'), sandbox.path('second')];
}

const namesOf = (shared: SharedStore): string =>
  shared.missing ? `${shared.title} (skipped: ${shared.missing})` : shared.title;

describe.each(sharedStores.map((shared) => [namesOf(shared), shared] as const))('two machines on %s', (_, shared) => {
  describe.skipIf(shared.missing)('', () => {
    const sandbox = new Sandbox(afterAll);
    let store: RunningStore;
    let directories: [string, string];

    beforeAll(async () => {
      store = await shared.start();
      directories = await prepare(sandbox, shared, store);
      return () => store.remove();
    });

    async function startBoth(places: Partial<MachineSettings>[] = []): Promise<[Machine, Machine]> {
      const machines = await Promise.all(
        directories.map(async (directory, index) => {
          const place = { directory, host: 'localhost', port: await findFreePort(), ...places[index] };
          const machine = new Machine(sandbox, place);
          await machine.start([old]);
          return machine;
        }),
      );
      onTestFinished(() => Promise.all(machines.map((machine) => machine.die())).then(() => undefined));
      return machines as [Machine, Machine];
    }

    async function login(machines: Machine[], count = 6): Promise<User[]> {
      const users = Array.from({ length: count }, (_, index) => new User(`user${index}`, machines));
      await Promise.all(users.map((user) => user.login()));
      return users;
    }

    const responsesOf = (users: User[], { url }: Machine): number =>
      users.reduce((sum, { responses }) => sum + (responses.get(url) ?? 0), 0);

    test('a user switches between them at every request, and uses both at once: no increment is lost', async () => {
      const machines = await startBoth();
      const users = await login(machines);
      for (let times = 0; times < 20; times += 1) await Promise.all(users.map((user) => user.act()));
      for (let times = 0; times < 10; times += 1) await Promise.all(users.map((user) => user.actAtBoth()));
      expect(users.map(({ count }) => count)).toEqual(users.map(() => 40));
      for (const machine of machines) expect(responsesOf(users, machine)).toBeGreaterThan(users.length * 5);
    });

    test('one is killed under load and restarts: nobody is logged out, and nothing acknowledged is lost', async () => {
      const machines = await startBoth();
      const users = await login(machines);
      await during(users, async (untilEachActs) => {
        for (const machine of machines) {
          await untilEachActs(5);
          await machine.die();
          await untilEachActs(5);
          await machine.start([old]);
          const before = responsesOf(users, machine);
          await waitFor(() => responsesOf(users, machine) > before + users.length, 30_000);
        }
      });
      for (const machine of machines) expect(machine.output()).not.toMatch(/GET \S+ 50\d /);
    });

    test('a rolling restart rotates the secret: running requests get their responses, and nobody is logged out', async () => {
      const machines = await startBoth();
      const users = await login(machines);
      const cookies = users.map(({ cookie }) => cookie);
      await during(users, async (untilEachActs) => {
        for (const secrets of [[old, newer], [newer, old], [newer]]) {
          for (const machine of machines) {
            await machine.stop();
            await untilEachActs(3);
            await machine.start(secrets);
            await untilEachActs(3);
          }
        }
      });
      expect(users.map(({ countedWithoutResponse }) => countedWithoutResponse)).toEqual(users.map(() => 0));
      expect(users.filter(({ cookie }, index) => cookie === cookies[index])).toEqual([]);
      for (const machine of machines) expect(machine.output()).not.toMatch(/GET \S+ 50\d /);
    });

    const why = noNamespaces ? ` (skipped: ${noNamespaces})` : '';
    const behindNetwork = shared.store === 'embedded' ? [] : [shared.store];
    test.skipIf(noNamespaces).each(behindNetwork)(
      `when one machine loses its connection to the store, its users use the other, and it recovers automatically${why}`,
      async () => {
        const networks = [new Network(0), new Network(1)] as const;
        onTestFinished(() => networks.forEach((network) => void network.remove()));
        const places = await Promise.all(
          networks.map(async ({ host, storeHost, prefix }) => {
            const way = await startTcpProxy(Number(store.url?.port), { host: storeHost });
            const STORE_URL = Object.assign(new URL(store.url?.href ?? ''), {
              hostname: storeHost,
              port: way.port,
            }).href;
            return { host, prefix, env: { STORE_URL } };
          }),
        );
        const machines = await startBoth(places);
        const users = await login(machines);
        await during(users, async (untilEachActs) => {
          for (const [index, machine] of machines.entries()) {
            await untilEachActs(5);
            networks[index]?.cutStore();
            await waitFor(async () => !(await machine.isReady()), 30_000);
            expect((await request(`${machine.url}/healthz`)).status).toBe(200);
            await untilEachActs(5);
            networks[index]?.healStore();
            await waitFor(() => machine.isReady(), 60_000);
            const before = responsesOf(users, machine);
            await waitFor(() => responsesOf(users, machine) > before + users.length, 30_000);
          }
        });
        for (const machine of machines) expect(machine.output()).toMatch(/GET \S+ 503 /);
      },
    );
  });
});

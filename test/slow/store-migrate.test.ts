import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { open as openRedis } from '../../src/stores/redis/driver.ts';
import { record } from '../support/records.ts';
import { finish, Sandbox } from '../support/sandbox.ts';
import { startPlain } from '../support/server.ts';
import { type RunningStore, sharedStores } from '../support/shared-stores.ts';
import { addVisitorRoutes, startVisits, Visitor } from '../support/visitors.ts';

const stores = sharedStores.filter(({ missing }) => missing === undefined).map(({ store }) => store);
const directions = stores.flatMap((from) => stores.filter((to) => to !== from).map((to) => [from, to] as const));
/** The steps at which the command is killed, one after the other: the name of the step, and its occurrence in that run. */
const steps: [name: string, times: number][] = [
  ['Installing', 1],
  ['Waiting', 1],
  ['Waiting', 2],
  ['Copying', 1],
  ['Verifying', 1],
  ['Clearing', 1],
  ['Waiting', 2],
  ['Waiting', 3],
];

for (const { title, missing } of sharedStores) if (missing !== undefined) test.skip(`${title} (${missing})`);

describe('store migrate', () => {
  const running = new Map<string, RunningStore>();

  beforeAll(async () => {
    for (const { store, missing, start } of sharedStores) if (!missing) running.set(store, await start());
  });

  afterAll(async () => {
    for (const store of running.values()) await store.remove();
  });

  const urlOf = (store: string): string | undefined => running.get(store)?.url?.href;

  async function make(store: string): Promise<{ sandbox: Sandbox; environment: string }> {
    const sandbox = new Sandbox();
    const STORE_URL = urlOf(store);
    const made = await sandbox.sessapp(['init', 'shop', '--store', store], {
      env: { ...(STORE_URL && { STORE_URL }) },
    });
    expect(made).toMatchObject({ exitCode: 0 });
    const environment = sandbox.path('shop');
    await addVisitorRoutes(environment);
    return { sandbox, environment };
  }

  function startMigrate(sandbox: Sandbox, to: string, ...args: string[]): ChildProcess {
    const NEXT_STORE_URL = urlOf(to);
    const env = { ...(NEXT_STORE_URL && { NEXT_STORE_URL }) };
    return sandbox.start(['store', 'migrate', to, '-e', 'shop', ...args], { env });
  }

  /** Visitors: some send requests all the time, some are idle, and one has logged out. */
  async function receive(url: string) {
    const welcome = (name: string): Promise<Visitor> => new Visitor(name).login(url);
    const quiet = await Promise.all(Array.from({ length: 60 }, (_, n) => welcome(`quiet${n}`)));
    const out = await welcome('out');
    await out.ask(url, '/logout');
    const busy = await Promise.all(['a', 'b', 'c', 'd'].map(welcome));
    return { quiet, out, busy };
  }

  async function expectAllThere(url: string, present: Visitor[], gone: Visitor[]): Promise<void> {
    for (const visitor of present)
      expect((await visitor.ask(url, '/who')).body, visitor.name).toBe(`${visitor.name} ${visitor.count}`);
    for (const visitor of gone) expect((await visitor.ask(url, '/who')).body, visitor.name).toBe('undefined undefined');
  }

  async function count(sandbox: Sandbox): Promise<number> {
    const { stdout } = await sandbox.sessapp(['sessions', 'stats', '-e', 'shop', '--json']);
    return (JSON.parse(stdout) as { sessions: number }).sessions;
  }

  test.each(directions)(
    'from %s to %s: no request fails, nobody is logged out, and logged-out users stay logged out',
    async (from, to) => {
      const { sandbox, environment } = await make(from);
      const { url, output } = await startPlain(sandbox, environment, { env: { WORKERS: '2' } });
      const { quiet, out, busy } = await receive(url);
      const visits = startVisits(() => url, busy);
      const migrated = await finish(startMigrate(sandbox, to, '--json'));
      await visits.stop();
      expect(migrated, migrated.stdout + migrated.stderr).toMatchObject({ exitCode: 0 });
      expect(JSON.parse(migrated.stdout)).toMatchObject({ status: 'migrated', from, to });
      expect(visits.failures).toEqual([]);
      expect(visits.gone.length).toBeGreaterThan(3);
      await expectAllThere(url, [...quiet, ...visits.present], [out, ...visits.gone]);
      expect(await count(sandbox)).toBe(quiet.length + visits.present.length);
      for (const secret of [urlOf(from), urlOf(to)]) {
        const password = secret && new URL(secret).password;
        if (password) expect(migrated.stdout + migrated.stderr + output()).not.toContain(decodeURIComponent(password));
      }
      const { dependencies } = JSON.parse(await readFile(join(environment, 'package.json'), 'utf8'));
      const packages: Record<string, string> = { embedded: 'lmdb', redis: 'redis', postgres: 'pg' };
      expect([packages[from], packages[to]].map((name) => name && name in dependencies)).toEqual([true, true]);
      expect(await readFile(join(environment, '.env'), 'utf8')).not.toContain('NEXT_STORE_URL');
      expect((await sandbox.sessapp(['doctor', 'shop'])).exitCode).toBe(0);
    },
  );

  test('a migration that is killed at each step and run again completes, and nobody is logged out', async () => {
    const [from, to] = [stores[0] ?? '', stores.at(-1) ?? ''];
    const { sandbox, environment } = await make(from);
    const { url } = await startPlain(sandbox, environment, { env: { WORKERS: '2' } });
    const { quiet, out, busy } = await receive(url);
    const visits = startVisits(() => url, busy);
    for (const [step, times] of steps) await killAt(startMigrate(sandbox, to), step, times);
    const migrated = await finish(startMigrate(sandbox, to));
    await visits.stop();
    expect(migrated, migrated.stderr).toMatchObject({ exitCode: 0 });
    expect(visits.failures).toEqual([]);
    await expectAllThere(url, [...quiet, ...visits.present], [out, ...visits.gone]);
    expect(await count(sandbox)).toBe(quiet.length + visits.present.length);
  });

  test('a server that is killed while sessions move has every acknowledged change after its restart', async () => {
    const [from, to] = [stores[0] ?? '', stores[1] ?? ''];
    const { sandbox, environment } = await make(from);
    let server = await startPlain(sandbox, environment);
    const { quiet, out, busy } = await receive(server.url);
    const migrating = startMigrate(sandbox, to);
    for (const step of ['Waiting', 'Waiting', 'Copying']) {
      const visits = startVisits(() => server.url, busy);
      await untilPrinted(migrating, step);
      await visits.stop();
      expect(visits.failures).toEqual([]);
      busy.splice(0, busy.length, ...visits.present);
      server.child.kill('SIGKILL');
      await once(server.child, 'exit');
      server = await startPlain(sandbox, environment);
      await expectAllThere(server.url, [...quiet, ...busy], [out, ...visits.gone]);
    }
    expect(await finish(migrating)).toMatchObject({ exitCode: 0 });
    await expectAllThere(server.url, [...quiet, ...busy], [out]);
  });

  test('a prepared migration can be rolled back, and a migration that has begun cannot', async () => {
    const [from, to] = [stores[0] ?? '', stores[1] ?? ''];
    const { sandbox, environment } = await make(from);
    const { url } = await startPlain(sandbox, environment);
    const { quiet, out, busy } = await receive(url);
    const visits = startVisits(() => url, busy);
    await killAt(startMigrate(sandbox, to), 'Waiting');
    expect((await finish(startMigrate(sandbox, to, '--rollback', '--dry-run'))).stdout).toContain(
      'would no longer move',
    );
    const back = await finish(startMigrate(sandbox, to, '--rollback', '--json'));
    expect(JSON.parse(back.stdout)).toMatchObject({ status: 'rolled-back', from, to });
    const marker = JSON.parse(await readFile(join(environment, 'sessapp.json'), 'utf8'));
    expect([marker.store, marker.migration]).toEqual([from, undefined]);
    await killAt(startMigrate(sandbox, to), 'Copying');
    expect((await finish(startMigrate(sandbox, to, '--rollback', '--json'))).stdout).toContain('migration-too-far');
    expect(await finish(startMigrate(sandbox, to))).toMatchObject({ exitCode: 0 });
    await visits.stop();
    expect(visits.failures).toEqual([]);
    await expectAllThere(url, [...quiet, ...visits.present], [out, ...visits.gone]);
  });

  test('a user that the command logs out during a migration stays logged out when the sessions move back at once', async () => {
    const [from, to] = [stores[0] ?? '', stores[1] ?? ''];
    const { sandbox, environment } = await make(from);
    const { url } = await startPlain(sandbox, environment);
    const [ann, eve] = await Promise.all(['ann', 'eve'].map((name) => new Visitor(name).login(url)));
    const { stdout } = await sandbox.sessapp(['sessions', 'list', '--user', 'eve', '-e', 'shop', '--json']);
    const [{ ref }] = JSON.parse(stdout).sessions;
    await killAt(startMigrate(sandbox, to), 'Copying');
    expect(await sandbox.sessapp(['sessions', 'destroy', ref, '-e', 'shop'])).toMatchObject({ exitCode: 0 });
    for (const store of [to, from]) {
      const migrated = await finish(startMigrate(sandbox, store));
      expect(migrated, migrated.stderr).toMatchObject({ exitCode: 0 });
      await expectAllThere(url, [ann as Visitor], [eve as Visitor]);
    }
    expect(await count(sandbox)).toBe(1);
  });

  test('a server that is paused during the migration uses the new store when it continues', async () => {
    const [from, to] = [stores[0] ?? '', stores[1] ?? ''];
    const { sandbox, environment } = await make(from);
    const { url, child } = await startPlain(sandbox, environment);
    const { quiet, out, busy } = await receive(url);
    child.kill('SIGSTOP');
    const waiting = busy.map((visitor) => visitor.ask(url, '/count'));
    expect(await finish(startMigrate(sandbox, to))).toMatchObject({ exitCode: 0 });
    child.kill('SIGCONT');
    expect((await Promise.all(waiting)).map(({ body }) => body)).toEqual(busy.map(({ name }) => `${name} 1`));
    for (const visitor of busy) visitor.count += 1;
    await expectAllThere(url, [...quiet, ...busy], [out]);
    expect(await count(sandbox)).toBe(quiet.length + busy.length);
  });

  test.skipIf(!stores.includes('redis'))(
    'while a server has its own STORE_URL, the migration is refused and nothing moves',
    async () => {
      const { sandbox, environment } = await make('redis');
      const own = { STORE_URL: urlOf('redis') };
      const server = await startPlain(sandbox, environment, { env: own });
      const { quiet, out, busy } = await receive(server.url);
      const refused = await finish(startMigrate(sandbox, 'embedded', '--json'));
      expect(refused).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('"store-url-in-environment"') });
      expect(refused.stdout).toContain(`process ${server.child.pid}`);
      await expectAllThere(server.url, [...quiet, ...busy], [out]);
      server.child.kill('SIGTERM');
      await once(server.child, 'exit');
      await killAt(startMigrate(sandbox, 'embedded'), 'Copying');
      await expect(startPlain(sandbox, environment, { env: own })).rejects.toThrow('overrides .env');
      expect(await finish(startMigrate(sandbox, 'embedded'))).toMatchObject({ exitCode: 0 });
      await expectAllThere((await startPlain(sandbox, environment)).url, [...quiet, ...busy], [out]);
    },
  );

  test.skipIf(!stores.includes('redis'))(
    'the environment’s installed driver and its old address stay when a migration does not begin',
    async () => {
      const { sandbox, environment } = await make('embedded');
      await appendFile(join(environment, '.env'), 'NEXT_STORE_URL=redis://127.0.0.1:1\n');
      expect(await sandbox.sessapp(['install', '-e', 'shop', 'redis'])).toMatchObject({ exitCode: 0 });
      const before = await describeFiles(environment);
      const refused = await sandbox.sessapp(['store', 'migrate', 'redis', '-e', 'shop', '--json']);
      expect(refused).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('"store-unavailable"') });
      expect(await describeFiles(environment)).toEqual(before);
    },
  );

  test.skipIf(!stores.includes('redis'))(
    'an unusable store is refused, and the environment does not change',
    async () => {
      const { sandbox, environment } = await make('embedded');
      const before = await describeFiles(environment);
      const redis = urlOf('redis') ?? '';
      const { cookie } = JSON.parse(await readFile(join(environment, 'sessapp.json'), 'utf8'));
      const full = await openRedis(redis, cookie);
      onTestFinished(() => full.close());
      await full.create('key', record());
      const refusals: [NEXT_STORE_URL: string, code: string][] = [
        ['redis://127.0.0.1:1', 'store-unavailable'],
        ['redis://:p4ssw0rd@127.0.0.1:1', 'store-unavailable'],
        [redis, 'store-not-empty'],
      ];
      for (const [NEXT_STORE_URL, code] of refusals) {
        const args = ['store', 'migrate', 'redis', '-e', 'shop', '--json'];
        const refused = await sandbox.sessapp(args, { env: { NEXT_STORE_URL } });
        expect(refused).toMatchObject({ exitCode: 1, stdout: expect.stringContaining(`"${code}"`) });
        expect(refused.stdout).not.toContain('doctor');
        expect(refused.stdout + refused.stderr).not.toContain('p4ssw0rd');
        expect(await describeFiles(environment)).toEqual(before);
      }
      const faulty = { NEXT_STORE_URL: `${redis}/not-a-number` };
      const { stdout } = await sandbox.sessapp(['store', 'migrate', 'redis', '-e', 'shop', '--json'], { env: faulty });
      expect(JSON.parse(stdout).error).toEqual({
        code: 'store-unavailable',
        message: 'The new store cannot be used: its address has a database that is not a number.',
        hint: 'Set another address (--store-url or NEXT_STORE_URL), then run the same command again.',
      });
      await full.delete('key');
      expect(await finish(startMigrate(sandbox, 'redis'))).toMatchObject({ exitCode: 0 });
      const other = redis.replace('127.0.0.1', 'localhost');
      const same = await sandbox.sessapp(['store', 'migrate', 'redis', '-e', 'shop', '--store-url', other, '--json']);
      expect(same).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('"same-store"') });
    },
  );
});

async function describeFiles(environment: string): Promise<Record<string, unknown>> {
  const names = ['.env', 'package.json', 'package-lock.json', 'sessapp.json'];
  const contents = names.map(async (name) => [name, await readFile(join(environment, name), 'utf8')] as const);
  // npm leaves empty folders.
  const installed = (await readdir(join(environment, 'node_modules'))).filter((name) => /^\w/.test(name));
  return {
    ...Object.fromEntries(await Promise.all(contents)),
    installed: installed.sort(),
  };
}

/** Kills the command when it reports the n-th start of this step. */
async function killAt(child: ChildProcess, step: string, times = 1): Promise<void> {
  const ended = once(child, 'exit');
  for (let n = 0; n < times; n += 1) await untilPrinted(child, step);
  child.kill('SIGKILL');
  await ended;
}

/** Resolves when the command reports the start of this step. A step that an earlier call waited for does not count. */
function untilPrinted(child: ChildProcess, step: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(new Error(`it exited before: ${step}`));
    const look = (text: string): void => {
      if (!text.includes(step)) return;
      child.stderr?.off('data', look);
      child.off('exit', end);
      resolve();
    };
    child.stderr?.setEncoding('utf8').on('data', look);
    child.once('exit', end);
  });
}

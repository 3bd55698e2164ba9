import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { invoke } from '../support/in-process.ts';
import { missingPostgres, Postgres, role } from '../support/postgres.ts';
import { finish, repository, Sandbox } from '../support/sandbox.ts';
import { request, startPlain, waitFor } from '../support/server.ts';

const guest = '현재 유저는 guest입니다.\n';

describe.skipIf(missingPostgres)(`a server on PostgreSQL${missingPostgres ? `: ${missingPostgres}` : ''}`, () => {
  const shared = new Sandbox(afterAll);
  let directory: string;
  let store: Postgres;

  // Its packages are those of the embedded one and of this repository: nothing is installed for it.
  beforeAll(async () => {
    store = await Postgres.create();
    await invoke(shared.directory, ['init', 'shop', '--store', 'postgres', '--no-install']);
    directory = shared.path('shop');
    const [own, modules] = [join(repository, 'node_modules'), join(directory, 'node_modules')];
    await finish(shared.spawn('cp', ['-al', join(inject('environment'), 'node_modules'), modules]));
    const packages = (await readdir(own)).filter((name) => /^(pg|postgres|xtend|split2)/.test(name));
    await finish(shared.spawn('cp', ['-a', '-t', modules, ...packages.map((name) => join(own, name))]));
  });

  afterAll(() => store.remove());

  test('says once that its store is down, answers 503, and serves with a second one once the store is up', async () => {
    const env = { STORE_URL: store.url() };
    const servers = await Promise.all([1, 2].map(() => startPlain(shared, directory, { env })));
    const [one, other] = servers as [(typeof servers)[0], (typeof servers)[0]];
    expect(await request(`${one.url}/`)).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
    await store.start();
    const { cookie } = await waitFor(async () => {
      const response = await request(`${one.url}/`);
      return response.status === 200 && response;
    });
    await waitFor(async () => (await request(`${other.url}/profile`, { Cookie: cookie })).body === guest);
    await waitFor(() => one.output().includes('the store responds again'));
    const said = one.output().match(/the store does not respond, so requests get a 503: .*/g);
    expect(said).toEqual([
      expect.stringMatching(/PostgreSQL at 127\.0\.0\.1:\d+: nothing listens there \(ECONNREFUSED\)$/),
    ]);
    for (const { child, output } of servers) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
      for (const secret of [role.password, encodeURIComponent(role.password)]) expect(output()).not.toContain(secret);
    }
  });

  test('stops while its store hangs', async () => {
    await store.start();
    const { url, child } = await startPlain(shared, directory, { env: { STORE_URL: store.url() } });
    await waitFor(async () => (await request(`${url}/`)).status === 200);
    await store.pause();
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
  });
});

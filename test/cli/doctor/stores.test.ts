import { chmod, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { missingPostgres, Postgres } from '../../support/postgres.ts';
import { RedisServer, redisPrograms, skipMissingPrograms } from '../../support/redis-server.ts';
import { repository, Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment } from '../../support/server.ts';
import { editJson, examine } from './support.ts';

const loses = 'doctor notes the settings that can lose sessions';

/** An environment with this store and its driver, which it shares with the repository. */
async function withStore(store: string, url: string, ...packages: string[]): Promise<Sandbox> {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await editJson(join(environment, 'sessapp.json'), (marker: { store?: string }) => {
    marker.store = store;
  });
  for (const name of packages)
    await symlink(join(repository, 'node_modules', name), join(environment, 'node_modules', name));
  await writeFile(join(environment, '.env'), `STORE_URL=${url}\n`, { flag: 'a' });
  await chmod(join(environment, '.env'), 0o600);
  return sandbox;
}

async function factsOf(sandbox: Sandbox): Promise<string[]> {
  return (await examine(sandbox, 'store')).map(({ level, fact }) => `${level} ${fact}`);
}

test.each(redisPrograms)(`${loses} of %s`, async (program) => {
  const server = await new RedisServer(program, '--maxmemory-policy', 'allkeys-lru').start();
  onTestFinished(() => server.remove());
  expect(await factsOf(await withStore('redis', server.url, 'redis', '@redis'))).toEqual([
    expect.stringMatching(/^note Redis loses all sessions when it restarts/),
    expect.stringMatching(/^note Redis may evict sessions .* allkeys-lru/),
  ]);
});
skipMissingPrograms(loses);

test.skipIf(missingPostgres)(`${loses} of PostgreSQL${missingPostgres ? ` (${missingPostgres})` : ''}`, async () => {
  const server = await Postgres.create();
  onTestFinished(() => server.remove());
  await server.start();
  const sandbox = await withStore('postgres', server.url(), 'pg');
  expect(await factsOf(sandbox)).toEqual(['ok The store postgres can write, read and delete a record.']);
  await server.sql('ALTER SYSTEM SET fsync = off');
  await server.sql('SELECT pg_reload_conf()');
  await expect
    .poll(() => factsOf(sandbox))
    .toEqual([expect.stringMatching(/^note fsync is off in PostgreSQL: stored sessions can be lost/)]);
});

test('a store whose package is not installed is a problem, and the command installs it', async () => {
  const [finding] = await examine(await withStore('redis', 'redis://127.0.0.1:1'), 'store');
  expect(finding).toMatchObject({
    level: 'problem',
    fact: 'The store redis needs the package redis, which is not installed.',
    remedy: 'Type: sessapp install -e myenv redis',
  });
});

test('an address that is not valid is a problem, and the remedy shows a valid one', async () => {
  const [finding] = await examine(await withStore('redis', 'localhost', 'redis', '@redis'), 'store');
  expect(finding).toMatchObject({ level: 'problem', why: 'The server does not start.' });
  expect(finding?.remedy).toBe('Correct STORE_URL. For example: STORE_URL=redis://localhost:6379');
});

import { describe, expect, onTestFinished, test } from 'vitest';
import { createBrowser } from '../../src/testing/browser.ts';
import { openPage } from '../support/docs.ts';
import { readJson } from '../support/files.ts';
import { missingPostgres, Postgres } from '../support/postgres.ts';
import { Reader } from '../support/reader.ts';
import { RedisServer, redisPrograms, withoutRedis } from '../support/redis-server.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment } from '../support/server.ts';

const [program = ''] = redisPrograms;
const withRedis = program === '' ? ` (${withoutRedis})` : '';
const withPostgres = missingPostgres === undefined ? '' : ` (${missingPostgres})`;
const uninstall = openPage('docs/uninstall.md', import.meta.filename);
const heading = 'Set it up';

async function expectSessions(reader: Reader): Promise<void> {
  await reader.type({ code: 'sessapp serve myenv' });
  const visit = createBrowser(reader.url, Date.now);
  await visit('/');
  expect(await (await visit('/profile')).text()).toContain('현재 유저는 guest입니다.');
  expect(await reader.type({ code: 'sessapp info myenv' })).toMatch(/ store +(redis|postgres)/);
}

describe('docs/redis.md', () => {
  const page = openPage('docs/redis.md', import.meta.filename);

  test.skipIf(withRedis)(`its command makes an environment with sessions in Redis${withRedis}`, async () => {
    const redis = await new RedisServer(program, '--requirepass', 'password').start();
    onTestFinished(() => redis.remove());
    const reader = await Reader.open(new Sandbox());
    const { code } = page.take(heading, 'sh');
    await reader.type({ code: code.replace('redis.example:6379', `127.0.0.1:${redis.port}`) });
    await expectSessions(reader);
  });
});

describe('docs/postgres.md', () => {
  const page = openPage('docs/postgres.md', import.meta.filename);

  test.skipIf(withPostgres)(`its commands make an environment with sessions in PostgreSQL${withPostgres}`, async () => {
    const postgres = await Postgres.create();
    await postgres.start();
    onTestFinished(() => postgres.remove());
    // The test has a database of the page's name already.
    const sql = page.take(heading, 'sql').code.replaceAll('…', 'pass').replace('DATABASE sessions', 'DATABASE visits');
    for (const statement of sql.split(';').filter((text) => text.trim() !== '')) await postgres.sql(statement);
    const reader = await Reader.open(new Sandbox());
    const { code } = page.take(heading, 'sh');
    // The server of the test has no certificate.
    const { host } = new URL(postgres.url());
    const address = code
      .replace('…', 'pass')
      .replace('db.example', host)
      .replace('sessions?sslmode=verify-full', 'visits');
    await reader.type({ code: address });
    await expectSessions(reader);
    await reader.interrupt();

    // docs/uninstall.md removes the rows and the tables.
    const { cookie } = await readJson<{ cookie: string }>(reader.sandbox.path('myenv', 'sessapp.json'));
    const query = (text = ''): Promise<Record<string, unknown>[]> => postgres.sql(text, [], 'visits');
    const count = (): Promise<unknown> => query('SELECT count(*)::int FROM sessapp_sessions').then(([row]) => row);
    expect(await count()).toEqual({ count: 1 });
    const [rows, tables] = uninstall.takeAll('Its sessions in Redis or PostgreSQL', 'sql');
    await query(rows?.code.replaceAll('myapp-1a2b3c4d', cookie));
    expect(await count()).toEqual({ count: 0 });
    await query(tables?.code);
    await expect(count()).rejects.toThrow('does not exist');
  });
});

describe('docs/store.md', () => {
  const page = openPage('docs/store.md', import.meta.filename);

  test('a backup is restored', async () => {
    const sandbox = new Sandbox();
    await copyEnvironment(sandbox);
    const reader = await Reader.open(sandbox);
    const visit = createBrowser(reader.url, Date.now);
    await reader.type({ code: 'sessapp serve myenv --workers 1' });
    await visit('/');
    await reader.type(page.take('Back up the embedded store', 'sh'));
    await reader.type({ code: 'sessapp sessions destroy --all -e myenv --yes' });
    expect(await (await visit('/profile')).text()).toContain('현재 유저가 없습니다.');
    await reader.type(page.take('Restore it', 'sh'));
    expect(await (await visit('/profile')).text()).toContain('현재 유저는 guest입니다.');
  });

  test.skipIf(withRedis)(`the sessions move to Redis${withRedis}`, async () => {
    const redis = await new RedisServer(program).start();
    onTestFinished(() => redis.remove());
    const sandbox = new Sandbox();
    await copyEnvironment(sandbox);
    const reader = await Reader.open(sandbox);
    const visit = createBrowser(reader.url, Date.now);
    await reader.type({ code: 'sessapp serve myenv' });
    await visit('/');
    const { code } = page.take('Move the sessions to another store', 'sh');
    await reader.type({ code: code.replace('localhost:6379', `127.0.0.1:${redis.port}`) });
    expect(await (await visit('/profile')).text()).toContain('현재 유저는 guest입니다.');
  });
});

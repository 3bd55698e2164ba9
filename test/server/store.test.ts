import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { invoke } from '../support/in-process.ts';
import { RedisServer, redisPrograms, withoutRedis } from '../support/redis-server.ts';
import { finish, repository, Sandbox } from '../support/sandbox.ts';
import { request, startPlain, waitFor } from '../support/server.ts';

const shared = new Sandbox(afterAll);
const password = 'p4ssw0rd-of-redis';
let directory: string;

// The environment uses the packages of the embedded environment and of this repository, so nothing has to be installed.
beforeAll(async () => {
  await invoke(shared.directory, ['init', 'shop', '--store', 'redis', '--no-install']);
  directory = shared.path('shop');
  const modules = join(directory, 'node_modules');
  await finish(shared.spawn('cp', ['-al', join(inject('environment'), 'node_modules'), modules]));
  const packages = ['redis', '@redis'].map((name) => join(repository, 'node_modules', name));
  await finish(shared.spawn('cp', ['-a', ...packages, modules]));
});

test.each([
  [undefined, /^STORE_URL is not set: the redis store needs an address\.$/],
  [`postgres://:${password}@localhost`, /^STORE_URL does not begin with redis:\/\/ or rediss:\/\/\.$/],
  [`redis://:${password}@a b`, /^STORE_URL has no host, or a character that must be percent-encoded\.$/],
  [`redis://:${password}@localhost/shop`, /^STORE_URL has a database that is not a number\.$/],
])('with STORE_URL %s the server does not start, and says what to set', async (url, fact) => {
  const env = { PORT: '0', STORE_URL: url };
  const result = await finish(shared.spawn(process.execPath, ['server.js'], { cwd: directory, env }));
  expect(result).toMatchObject({ exitCode: 1, stdout: '' });
  const [message, hint] = result.stderr.split('\n');
  expect(message).toMatch(fact);
  expect(hint).toBe('For example: STORE_URL=redis://localhost:6379');
  expect(result.stderr).not.toContain(password);
});

test.skipIf(redisPrograms.length === 0)(
  `a server that starts while its store is down logs it once, responds with 503, and serves when the store is up (or ${withoutRedis})`,
  async () => {
    const [program = ''] = redisPrograms;
    const store = await new RedisServer(program, '--requirepass', password).choosePort();
    onTestFinished(() => store.remove());
    const url = store.url.replace('//', `//:${password}@`);
    const server = await startPlain(shared, directory, { env: { STORE_URL: url } });
    const { headers, status } = await request(`${server.url}/`);
    expect({ status, retryAfter: headers['retry-after'] }).toEqual({ status: 503, retryAfter: '5' });
    await store.start();
    await waitFor(async () => (await request(`${server.url}/`)).status === 200);
    await waitFor(() => server.output().includes('the store responds again'));
    await waitFor(() => server.output().includes('Redis loses all sessions when it restarts'));
    const ended = once(server.child, 'exit');
    server.child.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    const said = server.output().match(/the store does not respond, so requests get a 503: .*/g);
    expect(said).toEqual([expect.stringContaining(`127.0.0.1:${store.port}: connect ECONNREFUSED`)]);
    expect(server.output()).not.toContain(password);
  },
);

test.skipIf(redisPrograms.length === 0)(
  `a password that the store rejects is not in the log (or ${withoutRedis})`,
  async () => {
    const [program = ''] = redisPrograms;
    const store = await new RedisServer(program, '--requirepass', 'another-one').start();
    onTestFinished(() => store.remove());
    const url = store.url.replace('//', `//:${password}@`);
    const server = await startPlain(shared, directory, { env: { STORE_URL: url } });
    expect((await request(`${server.url}/`)).status).toBe(503);
    await waitFor(() => /requests get a 503: .*WRONGPASS/.test(server.output()));
    expect(server.output()).not.toContain(password);
    const commandLine = await readFile(`/proc/${server.child.pid}/cmdline`, 'utf8');
    expect(commandLine).not.toContain(password);
  },
);

import { appendFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readJson } from '../../support/files.ts';
import { invoke } from '../../support/in-process.ts';
import { Sandbox } from '../../support/sandbox.ts';

const address = 'redis://localhost:7001';
const password = 'p4ssw0rd';
const secretAddress = `rediss://me:${password}@db.example:7001/3`;

const init = (sandbox: Sandbox, args: string[], env: NodeJS.ProcessEnv = {}) =>
  invoke(sandbox.directory, ['init', 'myenv', '--no-install', ...args], env);
const readSettings = (sandbox: Sandbox): Promise<string> => readFile(sandbox.path('myenv', '.env'), 'utf8');

test('--store-url is written to the new .env, next to the secret', async () => {
  const sandbox = new Sandbox();
  const made = await init(sandbox, ['--store', 'redis', '--store-url', address]);
  expect(made).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await readSettings(sandbox)).toMatch(/^SESSION_SECRET=.{43}\nSTORE_URL=redis:\/\/localhost:7001\n$/m);
});

test('STORE_URL is written to .env with its password, which is never printed; --store-url overrides it', async () => {
  const sandbox = new Sandbox();
  const made = await init(sandbox, ['--store', 'redis', '--json'], { STORE_URL: secretAddress });
  expect(made).toMatchObject({ exitCode: 0, stderr: '' });
  expect(made.stdout).not.toContain(password);
  expect(await readSettings(sandbox)).toContain(`\nSTORE_URL=${secretAddress}\n`);
  expect((await stat(sandbox.path('myenv', '.env'))).mode & 0o777).toBe(0o600);
  expect(JSON.stringify(await readJson(sandbox.path('myenv', 'sessapp.json')))).not.toContain('db.example');
  const other = new Sandbox();
  await init(other, ['--store', 'redis', '--store-url', address], { STORE_URL: secretAddress });
  expect(await readSettings(other)).toContain(`\nSTORE_URL=${address}\n`);
});

test.each([
  `redis://:${password}@localhost`,
  `redis://me:${password}@localhost:6379/0`,
  `redis://me:${password}/x@localhost`,
  `redis://localhost?password=${password}`,
  `me:${password}@localhost`,
])('--store-url %s is refused because of its password, which is not printed', async (url) => {
  for (const args of [['--store', 'redis', '--store-url', url], ['--store-url', url], [`--store-ulr=${url}`]]) {
    const sandbox = new Sandbox();
    const { exitCode, stdout, stderr } = await init(sandbox, args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).not.toContain(password);
    if (args.includes(url)) expect(stderr).toMatch(/The address contains a password.*\n.*variable STORE_URL/);
  }
});

test.each([
  [
    ['--store', 'redis', '--store-url', 'postgres://localhost'],
    {},
    2,
    /The address is not valid for the store redis\.\n.*redis:\/\//,
  ],
  [['--store', 'redis', '--store-url', 'localhost:6379'], {}, 2, /The address is not valid for the store redis/],
  [['--store', 'redis', '--store-url', ''], {}, 2, /The address is not valid for the store redis/],
  [['--store', 'redis', '--store-url', 'redis://'], {}, 2, /The address is not valid for the store redis/],
  [['--store', 'redis', '--store-url', 'redis://a:port'], {}, 2, /The address is not valid for the store redis/],
  [['--store', 'redis', '--store-url', 'redis://a\nX=1'], {}, 2, /The address is not valid for the store redis/],
  [['--store', 'redis', '--store-url', 'redis://a/#1'], {}, 2, /The address is not valid for the store redis/],
  [
    ['--store', 'redis'],
    { STORE_URL: `mysql://:${password}@a` },
    1,
    /STORE_URL is not a valid address for the store redis/,
  ],
  [['--store-url', address], {}, 2, /The store embedded takes no address/],
])('init %j with %j ends with exit code %i and a valid example', async (args, env, exitCode, message) => {
  const sandbox = new Sandbox();
  const result = await init(sandbox, args, env);
  expect(result).toMatchObject({ exitCode, stdout: '' });
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toContain(password);
});

test.each(['redis://a:7001,b:7002', 'redis://[::1]:6379/2', 'rediss://me@a'])('%s is a valid address', async (url) => {
  const sandbox = new Sandbox();
  expect(await init(sandbox, ['--store', 'redis', '--store-url', url])).toMatchObject({ exitCode: 0 });
  expect(await readSettings(sandbox)).toContain(`\nSTORE_URL=${url}\n`);
});

test('the embedded store ignores a STORE_URL that is set for other environments', async () => {
  const sandbox = new Sandbox();
  expect(await init(sandbox, [], { STORE_URL: secretAddress })).toMatchObject({ exitCode: 0 });
  expect(await readSettings(sandbox)).not.toContain('STORE_URL');
});

test('a missing or different address in .env is a warning', async () => {
  const sandbox = new Sandbox();
  const made = await init(sandbox, ['--store', 'redis']);
  expect(made).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/^warning: .*STORE_URL=redis:\/\//) });
  const again = await initAgain(sandbox, ['--store-url', address]);
  expect(again.stderr).toMatch(/^warning: \.env stays unchanged, and has no STORE_URL/);
  await appendFile(sandbox.path('myenv', '.env'), `STORE_URL=${secretAddress}\n`);
  const other = await initAgain(sandbox, ['--store-url', address, '--json']);
  expect(JSON.parse(other.stdout).plan.warnings).toEqual([expect.stringMatching(/has a different STORE_URL/)]);
  expect(other.stdout + other.stderr).not.toContain(password);
  expect(await initAgain(sandbox, [])).toMatchObject({ exitCode: 0, stderr: '' });
});

/** Runs `init` where `.env` exists and only the marker is missing. */
async function initAgain(sandbox: Sandbox, args: string[]): Promise<Awaited<ReturnType<typeof init>>> {
  await rm(sandbox.path('myenv', 'sessapp.json'));
  return init(sandbox, ['--allow-existing', '--store', 'redis', ...args]);
}

test('an existing environment is refused if its store has another address', async () => {
  const sandbox = new Sandbox();
  await init(sandbox, ['--store', 'redis', '--store-url', address]);
  const same = await init(sandbox, ['--store-url', address, '--json']);
  expect(JSON.parse(same.stdout)).toMatchObject({ status: 'unchanged' });
  const other = await init(sandbox, ['--store-url', 'redis://elsewhere']);
  expect(other).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/its STORE_URL is different/) });
  await writeFile(sandbox.path('myenv', '.env'), `STORE_URL=${address.replace('//', `//:${password}@`)}\n`);
  expect(await init(sandbox, ['--store-url', address])).toMatchObject({ exitCode: 0 });
});

test('the lockfile of an environment has only the driver of its store', async () => {
  const sandbox = new Sandbox();
  await init(sandbox, ['--store', 'redis', '--store-url', address]);
  const { packages } = await readJson<{ packages: object }>(sandbox.path('myenv', 'package-lock.json'));
  const names = Object.keys(packages);
  expect(names).toContain('node_modules/redis');
  expect(names.filter((name) => /lmdb|msgpackr|node_modules\/pg/.test(name))).toEqual([]);
  const { dependencies } = await readJson<{ dependencies: object }>(join(sandbox.path('myenv'), 'package.json'));
  expect(Object.keys(dependencies)).not.toContain('lmdb');
});

test('another store for an existing environment is refused, with the command that migrates its sessions', async () => {
  const sandbox = new Sandbox();
  await init(sandbox, []);
  const { exitCode, stderr } = await init(sandbox, ['--store', 'redis', '--store-url', address]);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(`To move its sessions, type: sessapp store migrate -e myenv redis --store-url ${address}\n`);
  expect((await init(sandbox, ['--typescript'])).stderr).not.toContain('migrate');
});

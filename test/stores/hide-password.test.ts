import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import type { Driver } from '../../src/stores/driver.ts';
import { hidePassword, passwordsIn } from '../../src/stores/hide-password.ts';

const calls: [keyof Driver, unknown[]][] = [
  ['read', ['a']],
  ['create', ['a', {}]],
  ['update', ['a', 1, {}]],
  ['touch', ['a', 1, 1, 1]],
  ['delete', ['a']],
  ['setAside', ['a']],
  ['prune', [1, 1]],
  ['ping', []],
  ['warnings', []],
  ['close', []],
];

/** A driver whose every call fails with this error. */
function failing(error: unknown): Driver {
  const fail = async (): Promise<never> => Promise.reject(error);
  // biome-ignore lint/correctness/useYield: it throws before it yields
  const list = async function* (): AsyncGenerator<never> {
    throw error;
  };
  return { ...Object.fromEntries(calls.map(([name]) => [name, fail])), list } as unknown as Driver;
}

async function reasonOf(driver: Driver, name: keyof Driver, args: unknown[]): Promise<unknown> {
  const method = driver[name] as (...args: unknown[]) => Promise<unknown>;
  return method(...args).catch((error: unknown) => error);
}

test.each([
  ['redis://localhost:6379', []],
  ['redis://me@localhost', []],
  ['redis://:geheim@localhost', ['geheim']],
  ['redis://me:gehe%40im@a:1,b:2/3', ['gehe%40im', 'gehe@im']],
  ['postgres://me:ge:heim@localhost/db', ['ge:heim']],
  ['postgres://me@localhost/db?password=gehe%25im&x=1', ['gehe%25im', 'gehe%im']],
  ['redis://:ge/heim@localhost', ['ge/heim']],
  ['redis://:100%@localhost', ['100%']],
])('the passwords in %s are %j', (url, passwords) => {
  expect(passwordsIn(url)).toEqual(passwords);
});

test('no error of any call contains the password, in its message, stack, cause or other properties', async () => {
  const url = 'redis://me:gehe%40im@localhost';
  const cause = new Error('AUTH gehe@im failed');
  const error = Object.assign(new TypeError(`${url} is gehe@im`, { cause }), {
    code: 'ECODE',
    input: url,
    command: [url],
  });
  const driver = hidePassword(failing(error), url);
  for (const [name, args] of calls) {
    const reason = await reasonOf(driver, name, args);
    expect(reason).toMatchObject({ message: '*** is ***', code: 'ECODE', cause: { message: 'AUTH *** failed' } });
    expect(inspect(reason, { depth: 9, showHidden: true })).not.toMatch(/gehe/);
  }
  const listing = async (): Promise<void> => {
    for await (const _ of driver.list({}));
  };
  await expect(listing()).rejects.toThrow('*** is ***');
});

test('a thrown value that is not an Error is cleaned too', async () => {
  const driver = hidePassword(failing('no geheim here'), 'redis://:geheim@localhost');
  expect(await reasonOf(driver, 'ping', [])).toMatchObject({ message: 'no *** here' });
});

test('a driver without a password is not wrapped, and a driver without warnings has none', async () => {
  const driver = failing(new Error());
  expect(hidePassword(driver, 'redis://localhost')).toBe(driver);
  const { warnings: _, ...rest } = driver;
  expect(await hidePassword(rest, 'redis://:geheim@localhost').warnings?.()).toEqual([]);
});

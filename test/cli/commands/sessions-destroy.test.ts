import { afterAll, beforeAll, expect, test } from 'vitest';
import { main } from '../../../src/cli/main.ts';
import { Interrupted } from '../../../src/errors.ts';
import { toOwner } from '../../../src/stores/owner.ts';
import { fakeSystem, invoke } from '../../support/in-process.ts';
import { fill, keyOf, stored } from '../../support/records.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment } from '../../support/server.ts';
import { onTerminal, withoutTerminal } from '../../support/terminal.ts';

const sandbox = new Sandbox(afterAll);
let environment: string;

beforeAll(async () => {
  environment = await copyEnvironment(sandbox);
});

const destroy = (...args: string[]): ReturnType<typeof invoke> => invoke(environment, ['sessions', 'destroy', ...args]);
const owners = async (): Promise<(string | undefined)[]> =>
  (await stored(environment)).map(({ owner }) => owner).sort();
const expired = { expiresAtMs: Date.now() - 1 };

test('destroy ends the named sessions, each once', async () => {
  await fill(environment, [{ owner: 'ann' }, { owner: 'bob' }, { owner: 'cid' }]);
  const result = await destroy(keyOf(0), keyOf(1).slice(0, 8), keyOf(0).slice(0, 5));
  expect(result).toEqual({ exitCode: 0, stdout: 'Ended 2 sessions of myenv.\n', stderr: '' });
  expect(await owners()).toEqual(['cid']);
});

test('if one reference is unknown or ambiguous, no session is ended', async () => {
  await fill(environment, [{ owner: 'ann' }, { key: 'AAAAx' }, { key: 'AAAAy' }]);
  expect(await destroy(keyOf(0), 'zzzz')).toMatchObject({ exitCode: 1, stdout: '' });
  expect(await destroy(keyOf(0), 'AAAA')).toMatchObject({ exitCode: 1, stdout: '' });
  expect(await stored(environment)).toHaveLength(3);
});

test('--user ends all sessions of one owner, and counts the live ones', async () => {
  await fill(environment, [{ owner: 'ann' }, { owner: 'anna' }, { owner: 'ann', ...expired }, { owner: 'ann' }, {}]);
  expect((await destroy('--user', 'ann')).stdout).toBe('Ended 2 sessions of myenv.\n');
  expect(await owners()).toEqual(['anna', undefined]);
  expect(await destroy('--user', 'ann')).toMatchObject({ exitCode: 0, stdout: 'Ended 0 sessions of myenv.\n' });
});

test.each(['x'.repeat(255), 'x'.repeat(256), 'x\ud83d'])(
  '--user takes the whole name of an owner, however long: case %#',
  async (name) => {
    const others = [`${name}y`, name.slice(0, -1)].map(toOwner);
    await fill(
      environment,
      [toOwner(name), ...others].map((owner) => ({ owner })),
    );
    const [session] = JSON.parse(
      (await invoke(environment, ['sessions', 'list', '--user', name, '--json'])).stdout,
    ).sessions;
    // The owner is typed as the list shows it.
    expect((await destroy('--user', session.owner)).stdout).toBe('Ended 1 session of myenv.\n');
    expect(await owners()).toEqual(others.sort());
    await fill(
      environment,
      [toOwner(name), ...others].map((owner) => ({ owner })),
    );
    expect((await destroy('--user', name)).stdout).toBe('Ended 1 session of myenv.\n');
  },
);

test('--all ends all sessions, but only after a confirmation', async () => {
  await fill(environment, [{ owner: 'ann' }, {}, expired]);
  const refused = await destroy('--all');
  expect(refused.exitCode).toBe(2);
  expect(refused.stderr).toMatch(/this is not a terminal\.\nTo confirm, add --yes\.\n$/);
  expect(await stored(environment)).toHaveLength(3);
  expect((await destroy('--all', '--yes', '--json')).stdout).toBe('{"version":1,"status":"destroyed","destroyed":2}\n');
  expect(await stored(environment)).toEqual([]);
});

test.skipIf(withoutTerminal !== '')(
  `on a terminal --all asks, and Enter alone means no${withoutTerminal}`,
  async () => {
    await fill(environment, [{ owner: 'ann' }, {}]);
    const args = ['sessions', 'destroy', '--all', '-e', environment];
    const question = 'End all 2 sessions of myenv?';
    const kept = await onTerminal(sandbox, args, [[question, '\r']]);
    expect(kept).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('No session was ended.') });
    const left = await onTerminal(sandbox, args, [[question, '\x04']]);
    expect(left).toMatchObject({ exitCode: 130, stdout: expect.stringContaining('Interrupted by SIGINT.') });
    expect(await stored(environment)).toHaveLength(2);
    const ended = await onTerminal(sandbox, args, [[question, '\u001b[B\r']]);
    expect(ended).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Ended 2 sessions') });
    expect(await stored(environment)).toEqual([]);
  },
);

test.each([
  ['destroy --all --yes', /Interrupted by SIGINT\. Before that, 500 sessions were ended\./],
  ['prune', /Interrupted by SIGINT\. Before that, 500 expired sessions were deleted\./],
])('an interrupted sessions %s says how many sessions it handled', async (args, message) => {
  const isPrune = args === 'prune';
  await fill(
    environment,
    Array.from({ length: 600 }, () => (isPrune ? expired : {})),
  );
  const { system, printed } = fakeSystem(() => environment, { PATH: process.env.PATH });
  // Like Ctrl-C, once the first batch has started.
  let looks = 0;
  const { signal } = new AbortController();
  signal.throwIfAborted = () => {
    looks += 1;
    if (looks > 1) throw new Interrupted('SIGINT');
  };
  system.catchInterrupts = () => signal;
  expect(await main(['sessions', ...args.split(' ')], system)).toBe(130);
  expect(printed.stderr).toMatch(message);
  expect(await stored(environment)).toHaveLength(100);
});

test('prune deletes all expired sessions, in any number, and keeps the rest', async () => {
  await fill(environment, [...Array.from({ length: 1100 }, () => expired), { owner: 'ann' }]);
  const { stdout, exitCode } = await invoke(environment, ['sessions', 'prune']);
  expect({ stdout, exitCode }).toEqual({ stdout: 'Deleted 1100 expired sessions of myenv.\n', exitCode: 0 });
  expect(await owners()).toEqual(['ann']);
  expect((await invoke(environment, ['sessions', 'prune'])).stdout).toBe('Deleted 0 expired sessions of myenv.\n');
});

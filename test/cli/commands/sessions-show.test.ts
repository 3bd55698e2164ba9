import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { invoke } from '../../support/in-process.ts';
import { fill, hourMs, keyOf } from '../../support/records.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment } from '../../support/server.ts';

const sandbox = new Sandbox(afterAll);
let environment: string;

beforeAll(async () => {
  environment = await copyEnvironment(sandbox);
});

const show = (...args: string[]): ReturnType<typeof invoke> => invoke(environment, ['sessions', 'show', ...args]);
const showJson = async (...args: string[]) => JSON.parse((await show(...args, '--json')).stdout);

test('show says everything of a session but its values', async () => {
  const createdAtMs = Date.now() - 3 * hourMs;
  const data = JSON.stringify({ username: 'ann', cart: ['a-value'], cookie: { originalMaxAge: 5000 } });
  await fill(environment, [{ data, createdAtMs, owner: 'ann', keyId: '1a2b3c4d' }]);
  const { stdout } = await show(keyOf(0).slice(0, 4));
  expect(stdout).toMatch(
    new RegExp(
      [
        `session +${keyOf(0)}`,
        'owner +ann',
        `created +${new Date(createdAtMs).toISOString()} \\(3h ago\\)`,
        'last seen .* \\(2h ago\\)',
        'expires .* \\(in 59m\\)',
        `size +${data.length} B`,
        'signed by +secret 1a2b3c4d',
        'changes +1',
        'keys +username, cart\\n$',
      ].join('\\n  '),
    ),
  );
  expect(stdout).not.toContain('a-value');
  const printed = await showJson(keyOf(0));
  expect(printed).toMatchObject({ ref: keyOf(0), secretId: '1a2b3c4d', changes: 1, keys: ['username', 'cart'] });
  expect(JSON.stringify(printed)).not.toContain('a-value');
});

test('--values shows values, but those that look like credentials by their key, at any depth', async () => {
  const data = {
    username: 'ann',
    resetToken: 'hidden-1',
    user: { name: 'Ann', Password: 'hidden-2', devices: [{ id: 7, otp_code: 'hidden-3' }] },
    list: [['x', { api: { KEY: { nested: 'hidden-4' } } }]],
  };
  const deep = `"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  await fill(environment, [{ data: JSON.stringify(data).replace('{', () => `{${deep},`) }]);
  const text = await show(keyOf(0), '--values');
  expect(text.exitCode).toBe(0);
  expect(text.stdout).not.toContain('hidden');
  expect(text.stdout).toContain(
    'user        {"name":"Ann","Password":"[masked]","devices":[{"id":7,"otp_code":"[masked]"}]}',
  );
  const { values } = await showJson(keyOf(0), '--values');
  expect(values).toMatchObject({
    username: 'ann',
    resetToken: '[masked]',
    user: { name: 'Ann', Password: '[masked]', devices: [{ id: 7, otp_code: '[masked]' }] },
    list: [['x', { api: { KEY: '[masked]' } }]],
  });
});

test('nothing in a session does anything to a terminal', async () => {
  const nasty = '\u001b[2J\u009b31m\u202e\u0007';
  await fill(environment, [{ data: JSON.stringify({ [`k${nasty}`]: [nasty] }), owner: nasty, keyId: nasty }]);
  for (const args of [[], ['--values'], ['--json', '--values']]) {
    const { stdout } = await show(keyOf(0), ...args);
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    expect(stdout).toContain('\\u001b[2J\\u009b31m\\u202e\\u0007');
  }
});

test('what is shown of a session can be typed, also where its key begins with a dash', async () => {
  const key = `-${keyOf(1).slice(1)}`;
  await fill(environment, [{ key, owner: 'ann' }]);
  const { stdout } = await invoke(environment, ['sessions', 'list']);
  const ref = stdout.split('\t')[0] ?? '';
  expect(ref).toBe(`+${key.slice(1)}`);
  for (const typed of [[ref], [ref.slice(0, 12)], [ref.slice(0, 4)], ['--', key.slice(0, 8)]])
    expect(await show(...typed)).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(ref) });
});

test('the beginning of several references is an error that lists them', async () => {
  const keys = ['AAAABBBBCCCx', 'AAAABBBBCCCy', 'AAAAC'].map((start) => start.padEnd(43, '_'));
  await fill(
    environment,
    keys.map((key) => ({ key })),
  );
  const ambiguous = await show('AAAA');
  expect(ambiguous).toMatchObject({ exitCode: 1, stdout: '' });
  expect(ambiguous.stderr).toMatch(
    /^error: Several sessions begin with AAAA: AAAABBBBCCCx, AAAABBBBCCCy, AAAAC_______\.\nType more of the reference\.\n$/,
  );
  expect((await showJson('AAAA')).error.code).toBe('session-ambiguous');
  expect(await showJson('AAAABBBBCCCy')).toMatchObject({ ref: keys[1] });
});

test('of many candidates ten are shown', async () => {
  await fill(
    environment,
    Array.from({ length: 12 }, (_, n) => ({ key: `AAAA${keyOf(n).slice(4)}` })),
  );
  expect((await show('AAAA')).stderr).toMatch(/: (AAAA\S+, ){10}and more\.\n/);
});

test('what is expired, unknown or too short is no session, and an id that was pasted is not repeated', async () => {
  await fill(environment, [{ expiresAtMs: Date.now() - 1 }]);
  for (const ref of [keyOf(0).slice(0, 8), 'zzzzzzzz']) {
    const { exitCode, stderr } = await show(ref);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: `error: No session begins with ${ref}.\nIt may have ended. To list the live sessions: sessapp sessions list\n`,
    });
  }
  const id = keyOf('an id');
  for (const pasted of [id, `s:${id}.signature`, `s%3A${id}`, `${id}${id}`]) {
    const { exitCode, stderr } = await show(pasted);
    expect(exitCode).toBeGreaterThan(0);
    expect(stderr).not.toContain(id.slice(0, 8));
  }
});

test('a damaged session is shown as such', async () => {
  await fill(environment, [{}, { data: 'no JSON' }, { data: '[1]' }]);
  const root = openLmdb({ path: join(environment, 'data', 'sessions') });
  await root.openDB<Buffer, string>({ name: 'records', encoding: 'binary' }).put(keyOf(0), Buffer.from([0xc1]));
  await root.close();
  for (const n of [0, 1, 2]) {
    const text = await show(keyOf(n), '--values');
    expect(text).toMatchObject({ exitCode: 0, stderr: '' });
    expect(text.stdout).toMatch(/keys +none can be read: the record is damaged\n$/);
    const printed = await showJson(keyOf(n), '--values');
    expect(printed).toMatchObject({ damaged: true, keys: [] });
    expect(printed).not.toHaveProperty('values');
  }
  expect((await show(keyOf(0))).stdout).toMatch(/created +unknown\n/);
});

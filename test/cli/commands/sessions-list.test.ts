import { join } from 'node:path';
import { Writable } from 'node:stream';

import { open as openLmdb } from 'lmdb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { widthOf } from '../../../src/cli/columns.ts';
import { main } from '../../../src/cli/main.ts';
import { toOwner } from '../../../src/stores/owner.ts';
import { fakeSystem, invoke } from '../../support/in-process.ts';
import { fill, hourMs, keyOf } from '../../support/records.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment } from '../../support/server.ts';

const escapeCharacter = String.fromCharCode(27);
const sandbox = new Sandbox(afterAll);
let environment: string;

beforeAll(async () => {
  environment = await copyEnvironment(sandbox);
});

async function lines(...args: string[]): Promise<string[][]> {
  const { stdout, stderr, exitCode } = await invoke(environment, ['sessions', 'list', ...args]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => line.split('\t'));
}

/** What a terminal of this width shows. */
async function screen(columns: number): Promise<string[]> {
  const { system, printed } = fakeSystem(() => environment, { PATH: process.env.PATH, NO_COLOR: '1' });
  Object.assign(system.stdout, { isTTY: true, columns });
  expect(await main(['sessions', 'list'], system)).toBe(0);
  return printed.stdout.split('\n').slice(0, -1);
}

const refs = (found: string[][]): string[] => found.map(([ref = '']) => ref);

test('a list for a program has a line for each session that lives, those that expire first at the top', async () => {
  const now = Date.now();
  const times = { createdAtMs: now - 3000, seenAtMs: now - 2000 };
  await fill(environment, [
    { ...times, expiresAtMs: now + 2 * hourMs, owner: 'ann', data: '{"userId":"ann"}' },
    { ...times, expiresAtMs: now + hourMs },
    { ...times, expiresAtMs: now - 1 },
  ]);
  const iso = (ms: number): string => new Date(ms).toISOString();
  expect(await lines()).toEqual([
    [keyOf(1), '', iso(now - 3000), iso(now - 2000), iso(now + hourMs), '18'],
    [keyOf(0), 'ann', iso(now - 3000), iso(now - 2000), iso(now + 2 * hourMs), '16'],
  ]);
});

test('a list can be of one owner, of those not seen for long, and of so many', async () => {
  const now = Date.now();
  await fill(environment, [
    { owner: 'ann', seenAtMs: now - 3 * hourMs, expiresAtMs: now + hourMs },
    { owner: 'anna', seenAtMs: now - hourMs, expiresAtMs: now + 2 * hourMs },
    { owner: 'ann', seenAtMs: now - hourMs, expiresAtMs: now + 3 * hourMs },
  ]);
  expect(refs(await lines('--user', 'ann'))).toEqual([keyOf(0), keyOf(2)].sort());
  expect(refs(await lines('--older-than', '120m'))).toEqual([keyOf(0)]);
  expect(refs(await lines('--older-than', '1h'))).toEqual([keyOf(0), keyOf(1), keyOf(2)]);
  expect(refs(await lines('--limit', '2'))).toEqual([keyOf(0), keyOf(1)]);
  expect(refs(await lines('--user', 'ann', '--older-than', '2h', '--limit', '5'))).toEqual([keyOf(0)]);
});

test('the owner that is asked for is compared whole', async () => {
  const names = [200, 255, 256, 300].map((length) => 'x'.repeat(length));
  await fill(
    environment,
    names.map((name) => ({ owner: toOwner(name) })),
  );
  for (const [n, name] of names.entries()) expect(refs(await lines('--user', name))).toEqual([keyOf(n)]);
});

test('an empty list is a note on stderr, and an empty list under --json', async () => {
  await fill(environment, []);
  const said = async (...args: string[]) => invoke(environment, ['sessions', 'list', ...args]);
  const nothing = { exitCode: 0, stdout: '' };
  expect(await said()).toEqual({ ...nothing, stderr: 'myenv has no sessions.\n' });
  expect(await said('--limit', '5')).toEqual({ ...nothing, stderr: 'myenv has no sessions.\n' });
  for (const filter of [
    ['--user', 'ann'],
    ['--older-than', '1h'],
  ])
    expect(await said(...filter)).toEqual({ ...nothing, stderr: 'myenv has no such sessions.\n' });
  expect((await invoke(environment, ['sessions', 'list', '--json'])).stdout).toBe('{"version":1,"sessions":[]}\n');
  expect(await invoke(environment, ['sessions', 'list', '--ndjson'])).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  expect(await screen(80)).toEqual([]);
});

test('on a terminal it is a table that fits, in which the name of an owner does nothing', async () => {
  const owners = ['ann', `${escapeCharacter}[2J${escapeCharacter}]0;x\u0007\u009b31m\u202eevil\n`, '김'.repeat(60)];
  await fill(
    environment,
    owners.map((owner, n) => ({ owner, expiresAtMs: Date.now() + hourMs + n * 60_000 + 30_000 })),
  );
  for (const columns of [20, 60, 80, 200]) {
    const shown = await screen(columns);
    expect(shown).toHaveLength(4);
    for (const line of shown) {
      expect(widthOf(line)).toBeLessThanOrEqual(columns);
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    }
  }
  const [header = '', ann, evil, long] = await screen(80);
  expect(header).toMatch(/^REF {11}OWNER +CREATED {4}LAST SEEN {2}EXPIRES +SIZE$/);
  expect(ann).toBe(
    `${keyOf(0).slice(0, 12)}  ann`
      .padEnd(header.indexOf('CREATED'))
      .concat('3h ago     2h ago     in 1h          18 B'),
  );
  expect(evil).toContain('\\u001b[2J\\u001b]0;');
  expect(long).toMatch(/ 김+… {2}3h ago/);
  expect((await screen(200)).join('\n')).toContain('\\u0007\\u009b31m\\u202eevil\\u000a');
});

test('what --json prints does nothing to a terminal either, and is the same name', async () => {
  const owner = `${escapeCharacter}[2J\u009b31m\u202e`;
  await fill(environment, [{ owner }]);
  const { stdout } = await invoke(environment, ['sessions', 'list', '--json']);
  expect(stdout.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(JSON.parse(stdout).sessions).toMatchObject([{ owner }]);
});

test('a table shows the first 12 characters of each reference, and no leading dash', async () => {
  const keys = ['AAAAAAAABBBBC', 'AAAAAAAABBBCC', '-AAAAAAABBBBC'].map((start) => start.padEnd(43, 'x'));
  await fill(
    environment,
    keys.map((key, n) => ({ key, expiresAtMs: Date.now() + hourMs + n })),
  );
  const shown = await screen(80);
  expect(shown.slice(1).map((line) => line.split(' ')[0])).toEqual(['AAAAAAAABBBB', 'AAAAAAAABBBC', '+AAAAAAABBBB']);
});

test('a damaged record is shown as such', async () => {
  await fill(environment, [{ owner: 'ann' }, { owner: 'bob' }, { owner: 'cid' }, { expiresAtMs: Number.NaN }]);
  const root = openLmdb({ path: join(environment, 'data', 'sessions') });
  await root.openDB<Buffer, string>({ name: 'records', encoding: 'binary' }).put(keyOf(0), Buffer.from([0xc1]));
  await root.openDB<object, string>({ name: 'records' }).put(keyOf(1), { data: 5, owner: {}, createdAtMs: 'x' });
  await root.close();
  const { stdout, stderr } = await invoke(environment, ['sessions', 'list', '--json']);
  expect(stderr).toBe('');
  const { sessions } = JSON.parse(stdout) as { sessions: { ref: string; damaged: boolean }[] };
  expect(sessions.filter(({ damaged }) => damaged).map(({ ref }) => ref)).toEqual(
    expect.arrayContaining([keyOf(0), keyOf(1), keyOf(3)]),
  );
  expect(sessions).toHaveLength(4);
  expect(sessions.find(({ ref }) => ref === keyOf(0))).toEqual({
    ref: keyOf(0),
    owner: null,
    createdAt: null,
    lastSeenAt: null,
    expiresAt: null,
    bytes: 0,
    secretId: null,
    damaged: true,
  });
  expect(await screen(80)).toContainEqual(expect.stringMatching(`^${keyOf(0).slice(0, 12)}  \\(damaged\\) .* 0 B$`));
  const stats = JSON.parse((await invoke(environment, ['sessions', 'stats', '--json'])).stdout);
  expect(stats).toMatchObject({ sessions: 1, damaged: 3, setAside: 0 });
});

test('--ndjson prints one document a line, and does not go with --json', async () => {
  await fill(environment, [{ owner: 'ann' }, { owner: 'ann' }]);
  const { stdout } = await invoke(environment, ['sessions', 'list', '--ndjson']);
  const printed = stdout.split('\n').slice(0, -1);
  expect(printed.map((line) => JSON.parse(line))).toMatchObject([
    { version: 1, owner: 'ann' },
    { version: 1, owner: 'ann' },
  ]);
  expect((await invoke(environment, ['sessions', 'list', '--ndjson', '--json'])).exitCode).toBe(2);
});

test('a reader that is slow gets every line, and no more than it can take is waiting for it', async () => {
  await fill(
    environment,
    Array.from({ length: 1200 }, () => ({})),
  );
  const { system } = fakeSystem(() => environment, { PATH: process.env.PATH });
  let read = '';
  let mostBytes = 0;
  const slow = new Writable({
    highWaterMark: 1000,
    write(chunk, _, done) {
      mostBytes = Math.max(mostBytes, slow.writableLength);
      read += chunk;
      setImmediate(done);
    },
  });
  system.stdout = slow;
  expect(await main(['sessions', 'list', '--ndjson'], system)).toBe(0);
  expect(read.split('\n')).toHaveLength(1201);
  expect(mostBytes).toBeLessThan(3000);
});

test('a reader that has gone away ends the list at once, and is no failure', async () => {
  await fill(
    environment,
    Array.from({ length: 1200 }, () => ({})),
  );
  const { system, printed } = fakeSystem(() => environment, { PATH: process.env.PATH });
  let lines = 0;
  system.stdout = new Writable({
    write(_, __, done) {
      lines += 1;
      done(lines === 3 ? Object.assign(new Error('gone'), { code: 'EPIPE' }) : null);
    },
  });
  expect(await main(['sessions', 'list'], system)).toBe(0);
  expect(lines).toBe(3);
  expect(printed.stderr).toBe('');
});

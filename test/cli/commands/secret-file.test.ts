import { spawnSync } from 'node:child_process';
import {
  chmod,
  chown,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { takesDirectory } from '../../../src/cli/commands/index.ts';
import { claimServer, forgetServer, recordListening } from '../../../src/cli/control/server-record.ts';
import { findEnvironment } from '../../../src/cli/environment/find.ts';
import { changeEnvFile, readEnvFile } from '../../../src/cli/secrets/env-file.ts';
import { secretsIn } from '../../../src/cli/secrets/env-text.ts';
import { keysIn } from '../../../src/cli/secrets/keys.ts';
import { keyIdOf } from '../../../src/settings/secrets.ts';
import { createSystem } from '../../../src/system.ts';
import { invoke } from '../../support/in-process.ts';
import { cli, finish, Sandbox } from '../../support/sandbox.ts';

const stranger = { uid: 65_534, gid: 65_534 };
const canActAsStranger = process.getuid?.() === 0;
const onlyAsRoot = canActAsStranger ? '' : ' (only as root)';

const secretOf = (seed: string): string => Buffer.alloc(32, `${seed}0123456789abcdef`).toString('base64url');
const [a, b] = [secretOf('a'), secretOf('b')];

/** As much of an environment as has a `.env`. */
async function makeEnvironment(sandbox: Sandbox, text?: string | Buffer): Promise<string> {
  const directory = sandbox.path('myenv');
  await mkdir(join(directory, 'data'), { recursive: true });
  await copyFile(join(inject('environment'), 'sessapp.json'), join(directory, 'sessapp.json'));
  if (text !== undefined) await writeFile(join(directory, '.env'), text, { mode: 0o600 });
  return directory;
}

const open = (directory: string) => findEnvironment({ ...createSystem(takesDirectory), env: {} }, directory);
const read = (directory: string, name = '.env') => readFile(join(directory, name), 'utf8');

async function rotate(directory: string, env: NodeJS.ProcessEnv = {}) {
  const { exitCode, stdout, stderr } = await invoke(directory, ['secret', 'rotate', '--json'], env);
  return {
    exitCode,
    stderr,
    ...(JSON.parse(stdout) as { id: string; keys: string[]; error: { code: string; hint: string } }),
  };
}

async function expectRefused(directory: string, code: string, hint: RegExp): Promise<void> {
  const { exitCode, error } = await rotate(directory);
  expect({ exitCode, ...error }).toEqual({
    exitCode: 1,
    code,
    message: expect.any(String),
    hint: expect.stringMatching(hint),
  });
}

test('rotate puts a new secret in front, and keeps the mode and every other line', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, `# mine\r\nexport SESSION_SECRET='${a}' # signs\r\nPORT=5001\r\n`);
  await chmod(join(directory, '.env'), 0o640);
  const result = await rotate(directory);
  const text = await read(directory);
  const [newest = '', ...rest] = secretsIn(text);
  expect(rest).toEqual([a]);
  expect(text.split('\r\n')).toEqual([
    '# mine',
    expect.stringMatching(new RegExp(`^# key ${keyIdOf(newest)} since \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z$`)),
    `export SESSION_SECRET='${newest},${a}' # signs`,
    'PORT=5001',
    '',
  ]);
  expect(Buffer.from(newest, 'base64url')).toHaveLength(32);
  expect((await stat(join(directory, '.env'))).mode & 0o7777).toBe(0o640);
  const [id, older] = [keyIdOf(newest), keyIdOf(a)];
  expect(result).toEqual({ exitCode: 0, stderr: '', version: 1, status: 'rotated', id, keys: [id, older], removed: 0 });
  expect((await readdir(directory)).sort()).toEqual(['.env', 'data', 'sessapp.json']);
});

test('without a .env, rotate makes one that is its user’s alone', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox);
  const { id } = await rotate(directory);
  expect(secretsIn(await read(directory)).map(keyIdOf)).toEqual([id]);
  expect((await stat(join(directory, '.env'))).mode & 0o7777).toBe(0o600);
});

test.runIf(canActAsStranger)(`the file stays its owner’s${onlyAsRoot}`, async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, `SESSION_SECRET=${a}\n`);
  await chown(join(directory, '.env'), stranger.uid, stranger.gid);
  await rotate(directory);
  expect(await stat(join(directory, '.env'))).toMatchObject({ ...stranger, mode: 0o100600 });
});

test.runIf(canActAsStranger)(`who cannot leave the file to its owner does not change it${onlyAsRoot}`, async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, `SESSION_SECRET=${a}\n`);
  for (const path of [sandbox.directory, directory]) await chmod(path, 0o777);
  await chmod(join(directory, '.env'), 0o666);
  const result = await sandbox.sessapp(['secret', 'rotate', '-e', directory, '--json'], {
    ...stranger,
    env: { HOME: '/' },
  });
  expect(result.exitCode).toBe(1);
  expect(JSON.parse(result.stdout).error.code).toBe('not-the-owner');
  expect(await read(directory)).toBe(`SESSION_SECRET=${a}\n`);
  expect((await readdir(directory)).sort()).toEqual(['.env', 'data', 'sessapp.json']);
});

test('a .env that is a link stays one, and what it points at is changed', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox);
  await mkdir(sandbox.path('secrets'));
  await writeFile(sandbox.path('secrets', 'prod'), `SESSION_SECRET=${a}\n`, { mode: 0o400 });
  await symlink('../secrets/prod', join(directory, '.env'));
  const { keys } = await rotate(directory);
  expect(await readlink(join(directory, '.env'))).toBe('../secrets/prod');
  expect(secretsIn(await read(directory)).map(keyIdOf)).toEqual(keys);
  expect((await lstat(sandbox.path('secrets', 'prod'))).mode & 0o7777).toBe(0o400);
  expect(await readdir(sandbox.path('secrets'))).toEqual(['prod']);
});

test.each<[string, (path: string) => Promise<unknown>, RegExp]>([
  ['a link to nothing', (path) => symlink('nowhere', path), /delete the link/],
  ['a link to itself', (path) => symlink('.env', path), /delete the link/],
  ['a directory', (path) => mkdir(path), /Move it away/],
  ['a pipe', async (path) => expect(spawnSync('mkfifo', [path]).status).toBe(0), /Move it away/],
  [
    'a file that is not UTF-8',
    (path) => writeFile(path, Buffer.from(`SESSION_SECRET=${a}\n`, 'utf16le').fill(0xff, 0, 1)),
    /UTF-8/,
  ],
  ['a file that cannot be changed for sure', (path) => writeFile(path, `SESSION_SECRET="${a}#\n`), /NAME=value/],
])('a .env that is %s is refused, with what to do, and nothing is changed', async (_, make, hint) => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox);
  await make(join(directory, '.env'));
  const before = await lstat(join(directory, '.env'));
  await expectRefused(directory, 'env-file-unclear', hint);
  expect(await lstat(join(directory, '.env'))).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
  expect((await readdir(directory)).sort()).toEqual(['.env', 'data', 'sessapp.json']);
});

test('a mark of the encoding at the front hides no secret: list and rotate read what the server reads', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, `\ufeffSESSION_SECRET=${a}\nPORT=5001\n`);
  expect(keysIn(await readEnvFile(await open(directory))).keys).toMatchObject([{ id: keyIdOf(a) }]);
  expect((await rotate(directory)).keys).toEqual([expect.any(String), keyIdOf(a)]);
  expect(await read(directory)).toMatch(/^# key .*\nSESSION_SECRET=[^,]+,[^,]+\nPORT=5001\n$/);
});

test('several rotations at once keep every secret, and whoever reads meanwhile finds a whole file', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, `A=1\nSESSION_SECRET=${a}\nZ=2\n`);
  let running = true;
  const reader = (async () => {
    let reads = 0;
    for (; running; reads += 1) expect(secretsIn(await read(directory)).at(-1)).toBe(a);
    return reads;
  })();
  const results = await Promise.all(
    [1, 2, 3, 4].map(() => sandbox.sessapp(['secret', 'rotate', '-e', directory, '--json'])),
  );
  running = false;
  expect(await reader).toBeGreaterThan(10);
  const made = results.map(({ stdout }) => JSON.parse(stdout).id as string);
  const ids = secretsIn(await read(directory)).map(keyIdOf);
  expect(ids).toHaveLength(5);
  expect(ids.slice(0, 4).sort()).toEqual(made.sort());
});

test('what a rotation that was killed left behind is in nobody’s way, and goes', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, `SESSION_SECRET=${a}\n`);
  const killedAtRename = `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
    fs.promises.rename = () => process.kill(process.pid, 'SIGKILL'); syncBuiltinESMExports();`;
  const preload = `--import=data:text/javascript,${encodeURIComponent(killedAtRename)}`;
  const killed = sandbox.spawn(process.execPath, [preload, cli, 'secret', 'rotate', '-e', directory]);
  expect((await finish(killed)).signal).toBe('SIGKILL');
  await writeFile(join(directory, '.sessapp-env'), `SESSION_SECRET=${b}`);
  await writeFile(join(directory, `.sessapp-env-lock.${killed.pid}.00000000`), '{');
  expect(await readdir(directory)).toContain('.sessapp-env-lock');
  const { keys } = await rotate(directory);
  expect(keys).toEqual([expect.any(String), keyIdOf(a)]);
  expect((await readdir(directory)).sort()).toEqual(['.env', 'data', 'sessapp.json']);
});

test('what somebody else writes while a change is made is not lost', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, 'A=1\n');
  const seen: string[] = [];
  const result = await changeEnvFile(await open(directory), async ({ text }) => {
    seen.push(text);
    if (seen.length === 1) await writeFile(join(directory, '.env'), 'A=2\n');
    return { text: `${text}B=1\n`, result: 'done' };
  });
  expect({ result, seen }).toEqual({ result: 'done', seen: ['A=1\n', 'A=2\n'] });
  expect(await read(directory)).toBe('A=2\nB=1\n');
});

test('a change that fails leaves nothing behind', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, 'A=1\n');
  const failing = changeEnvFile(await open(directory), () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect((await readdir(directory)).sort()).toEqual(['.env', 'data', 'sessapp.json']);
});

test.each([
  ['short', 'short', /A secret that was short/],
  ['a placeholder', `change-me-${a}`, /A secret that was short/],
  ['one of several', `short,${b},change-me-${a}`, /2 secrets that were short/],
])('a secret that is %s makes way for a new one, which is said', async (_, value, warning) => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, `SESSION_SECRET=${value}\n`);
  const { stderr, keys } = await rotate(directory);
  expect(stderr).toMatch(warning);
  expect(secretsIn(await read(directory)).map(keyIdOf)).toEqual(keys);
  expect(keys.slice(1)).toEqual(value.includes(b) ? [keyIdOf(b)] : []);
});

test('while a server runs with a secret that .env lost, rotate refuses: it would log everybody out', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, 'SESSION_SECRET=short\n');
  const environment = await open(directory);
  await claimServer(environment, { background: false, hasOwnSecret: false });
  // It is being started, or waits for a change that mends it: it has no secret to lose.
  expect((await rotate(directory)).exitCode).toBe(0);
  await writeFile(join(directory, '.env'), 'SESSION_SECRET=short\n');
  await recordListening(environment, { pid: process.pid, url: 'http://localhost:1' }, 1);
  await expectRefused(directory, 'secret-lost', /sessapp stop$/);
  expect(await read(directory)).toBe('SESSION_SECRET=short\n');
  await forgetServer(environment);
  expect((await rotate(directory)).exitCode).toBe(0);
});

test('a server that has a secret of its own does not follow, which is said', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, `SESSION_SECRET=${a}\n`);
  const environment = await open(directory);
  await claimServer(environment, { background: false, hasOwnSecret: true });
  await recordListening(environment, { pid: process.pid, url: 'http://localhost:1' }, 1);
  expect((await rotate(directory)).stderr).toMatch(
    /process \d+\) was started with SESSION_SECRET set, and does not follow/,
  );
});

test.each([['rotate'], ['retire', '1a2b3c4d']])(
  'SESSION_SECRET in the environment wins: %s refuses',
  async (...words) => {
    const sandbox = new Sandbox();
    const text = `SESSION_SECRET=${a},${b}\n`;
    const directory = await makeEnvironment(sandbox, text);
    const { exitCode, stdout } = await invoke(directory, ['secret', ...words, '--json'], { SESSION_SECRET: b });
    expect({ exitCode, ...JSON.parse(stdout).error }).toMatchObject({
      exitCode: 1,
      code: 'secret-in-environment',
      hint: expect.stringMatching(/unset SESSION_SECRET/),
    });
    expect(await read(directory)).toBe(text);
    expect((await rotate(directory, { SESSION_SECRET: '' })).exitCode).toBe(0);
  },
);

test('more than five secrets are too many, which is said', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, `SESSION_SECRET=${['b', 'c', 'd', 'e'].map(secretOf)}\n`);
  expect((await rotate(directory)).stderr).toBe('');
  expect((await rotate(directory)).stderr).toMatch(/There are 6 secrets: retire/);
});

test.each<[string, string[], string, RegExp]>([
  ['the newest', [keyIdOf(a)], 'key-signs', /sessapp secret rotate$/],
  ['the newest by a prefix', [keyIdOf(a).slice(0, 4).toUpperCase()], 'key-signs', /sessapp secret rotate$/],
  [
    'a mistyped one',
    [`${keyIdOf(b).slice(0, 7)}x`],
    'no-such-key',
    new RegExp(`Did you mean ${keyIdOf(b)}\\? Valid key ids: `),
  ],
  ['an unknown one', ['00000000'], 'no-such-key', new RegExp(`Valid key ids: ${keyIdOf(a)}, ${keyIdOf(b)}\\.`)],
  ['an empty one', [''], 'no-such-key', /Valid key ids/],
  ['the secret itself', [b], 'no-such-key', /Valid key ids/],
])('retire refuses %s, with what to do, and changes nothing', async (_, words, code, hint) => {
  const sandbox = new Sandbox();
  const text = `SESSION_SECRET=${a},${b}\n`;
  const directory = await makeEnvironment(sandbox, text);
  const { exitCode, stdout } = await invoke(directory, ['secret', 'retire', ...words, '--force', '--json']);
  const { error } = JSON.parse(stdout);
  expect({ exitCode, ...error }).toEqual({
    exitCode: 1,
    code,
    message: expect.any(String),
    hint: expect.stringMatching(hint),
  });
  expect(stdout).not.toContain(b);
  expect(await read(directory)).toBe(text);
});

test('retire refuses a prefix that two keys have', async () => {
  const sandbox = new Sandbox();
  const secrets = Array.from({ length: 20 }, (_, index) => secretOf(`${index}x`));
  const directory = await makeEnvironment(sandbox, `SESSION_SECRET=${secrets}\n`);
  const ids = secrets.map(keyIdOf);
  const shared =
    '0123456789abcdef'.split('').find((digit) => ids.filter((id) => id.startsWith(digit)).length > 1) ?? '';
  const { stdout } = await invoke(directory, ['secret', 'retire', shared, '--json']);
  const meant = ids.filter((id) => id.startsWith(shared));
  expect(JSON.parse(stdout).error).toMatchObject({
    code: 'key-ambiguous',
    message: expect.stringContaining(meant.join(' or ')),
  });
});

test.each<[string, string | undefined, string]>([
  ['no .env', undefined, 'secret-missing'],
  ['a secret that is short', 'SESSION_SECRET=short\n', 'secret-unusable'],
])('with %s, list says how to make one', async (_, text, code) => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, text);
  const { exitCode, stdout } = await invoke(sandbox.directory, ['secret', 'list', '-e', 'myenv', '--json']);
  expect({ exitCode, ...JSON.parse(stdout).error }).toMatchObject({
    exitCode: 1,
    code,
    hint: 'To make one: sessapp secret rotate myenv',
  });
  await rm(join(directory, '.env'), { force: true });
});

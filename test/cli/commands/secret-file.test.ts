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
import { summarizeSecrets } from '../../../src/cli/secrets/secret-summary.ts';
import { secretIdOf } from '../../../src/settings/secrets.ts';
import { createSystem } from '../../../src/system.ts';
import { invoke } from '../../support/in-process.ts';
import { cli, finish, Sandbox } from '../../support/sandbox.ts';

const stranger = { uid: 65_534, gid: 65_534 };
const canActAsStranger = process.getuid?.() === 0;
const onlyAsRoot = canActAsStranger ? '' : ' (only as root)';

const secretOf = (seed: string): string => Buffer.alloc(32, `${seed}0123456789abcdef`).toString('base64url');
const [a, b] = [secretOf('a'), secretOf('b')];

/** Makes an environment with only a marker, `data/` and, if given, a `.env`. */
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
    ...(JSON.parse(stdout) as { id: string; secrets: string[]; error: { code: string; hint: string } }),
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
    expect.stringMatching(new RegExp(`^# secret ${secretIdOf(newest)} since \\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z$`)),
    `export SESSION_SECRET='${newest},${a}' # signs`,
    'PORT=5001',
    '',
  ]);
  expect(Buffer.from(newest, 'base64url')).toHaveLength(32);
  expect((await stat(join(directory, '.env'))).mode & 0o7777).toBe(0o640);
  const [id, older] = [secretIdOf(newest), secretIdOf(a)];
  expect(result).toEqual({
    exitCode: 0,
    stderr: '',
    version: 1,
    status: 'rotated',
    id,
    secrets: [id, older],
    removed: 0,
  });
  expect((await readdir(directory)).sort()).toEqual(['.env', 'data', 'sessapp.json']);
});

test('without a .env, rotate creates a .env for its user only', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox);
  const { id } = await rotate(directory);
  expect(secretsIn(await read(directory)).map(secretIdOf)).toEqual([id]);
  expect((await stat(join(directory, '.env'))).mode & 0o7777).toBe(0o600);
});

test.runIf(canActAsStranger)(`the owner of the file does not change${onlyAsRoot}`, async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, `SESSION_SECRET=${a}\n`);
  await chown(join(directory, '.env'), stranger.uid, stranger.gid);
  await rotate(directory);
  expect(await stat(join(directory, '.env'))).toMatchObject({ ...stranger, mode: 0o100600 });
});

test.runIf(canActAsStranger)(
  `a user who cannot keep the owner of the file is refused, and nothing changes${onlyAsRoot}`,
  async () => {
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
  },
);

test('a .env that is a link stays a link, and its target is changed', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox);
  await mkdir(sandbox.path('secrets'));
  await writeFile(sandbox.path('secrets', 'prod'), `SESSION_SECRET=${a}\n`, { mode: 0o400 });
  await symlink('../secrets/prod', join(directory, '.env'));
  const { secrets } = await rotate(directory);
  expect(await readlink(join(directory, '.env'))).toBe('../secrets/prod');
  expect(secretsIn(await read(directory)).map(secretIdOf)).toEqual(secrets);
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
  ['a file that cannot be edited safely', (path) => writeFile(path, `SESSION_SECRET="${a}#\n`), /NAME=value/],
])('a .env that is %s is refused with a remedy, and nothing changes', async (_, make, hint) => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox);
  await make(join(directory, '.env'));
  const before = await lstat(join(directory, '.env'));
  await expectRefused(directory, 'env-file-unclear', hint);
  expect(await lstat(join(directory, '.env'))).toMatchObject({ ino: before.ino, mtimeMs: before.mtimeMs });
  expect((await readdir(directory)).sort()).toEqual(['.env', 'data', 'sessapp.json']);
});

test('a byte order mark hides no secret: list and rotate read what the server reads', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, `\ufeffSESSION_SECRET=${a}\nPORT=5001\n`);
  expect(summarizeSecrets(await readEnvFile(await open(directory))).secrets).toMatchObject([{ id: secretIdOf(a) }]);
  expect((await rotate(directory)).secrets).toEqual([expect.any(String), secretIdOf(a)]);
  expect(await read(directory)).toMatch(/^# secret .*\nSESSION_SECRET=[^,]+,[^,]+\nPORT=5001\n$/);
});

test('several rotations at once keep every secret, and a concurrent reader always finds a whole file', async () => {
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
  const ids = secretsIn(await read(directory)).map(secretIdOf);
  expect(ids).toHaveLength(5);
  expect(ids.slice(0, 4).sort()).toEqual(made.sort());
});

test('the files that a killed rotation left behind are removed by the next one', async () => {
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
  const { secrets } = await rotate(directory);
  expect(secrets).toEqual([expect.any(String), secretIdOf(a)]);
  expect((await readdir(directory)).sort()).toEqual(['.env', 'data', 'sessapp.json']);
});

test('a change that another program writes in the meantime is not lost', async () => {
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
  ['too short', 'short', /Removed a secret that was too short/],
  ['a placeholder', `change-me-${a}`, /Removed a secret that was too short/],
  ['one of several unusable secrets', `short,${b},change-me-${a}`, /Removed 2 secrets that were too short/],
])('rotate removes a secret that is %s, and warns', async (_, value, warning) => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, `SESSION_SECRET=${value}\n`);
  const { stderr, secrets } = await rotate(directory);
  expect(stderr).toMatch(warning);
  expect(secretsIn(await read(directory)).map(secretIdOf)).toEqual(secrets);
  expect(secrets.slice(1)).toEqual(value.includes(b) ? [secretIdOf(b)] : []);
});

test('while a server runs with a secret that .env lost, rotate refuses: it would log everybody out', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, 'SESSION_SECRET=short\n');
  const environment = await open(directory);
  await claimServer(environment, { background: false, hasOwnSecret: false });
  // The server is still starting, or waits for a fix: it has no secret to lose.
  expect((await rotate(directory)).exitCode).toBe(0);
  await writeFile(join(directory, '.env'), 'SESSION_SECRET=short\n');
  await recordListening(environment, { pid: process.pid, url: 'http://localhost:1' }, 1);
  await expectRefused(directory, 'secret-lost', /sessapp stop$/);
  expect(await read(directory)).toBe('SESSION_SECRET=short\n');
  await forgetServer(environment);
  expect((await rotate(directory)).exitCode).toBe(0);
});

test('rotate warns of a server that was started with SESSION_SECRET: it does not follow .env', async () => {
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
  '%s refuses when SESSION_SECRET is set in the environment variables, because the variable overrides .env',
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

test('rotate warns when there are more than five secrets', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox, `SESSION_SECRET=${['b', 'c', 'd', 'e'].map(secretOf)}\n`);
  expect((await rotate(directory)).stderr).toBe('');
  expect((await rotate(directory)).stderr).toMatch(/There are 6 secrets\. Retire/);
});

test.each<[string, string[], string, RegExp]>([
  ['the newest', [secretIdOf(a)], 'secret-signs', /sessapp secret rotate$/],
  ['the newest by a prefix', [secretIdOf(a).slice(0, 4).toUpperCase()], 'secret-signs', /sessapp secret rotate$/],
  [
    'a mistyped one',
    [`${secretIdOf(b).slice(0, 7)}x`],
    'secret-unknown',
    new RegExp(`Did you mean ${secretIdOf(b)}\\? Valid secret ids: `),
  ],
  [
    'an unknown one',
    ['00000000'],
    'secret-unknown',
    new RegExp(`Valid secret ids: ${secretIdOf(a)}, ${secretIdOf(b)}\\.`),
  ],
  ['an empty one', [''], 'secret-unknown', /Valid secret ids/],
  ['the secret itself', [b], 'secret-unknown', /Valid secret ids/],
])('retire refuses %s with a remedy, and changes nothing', async (_, words, code, hint) => {
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

test('retire refuses a prefix of two secret ids', async () => {
  const sandbox = new Sandbox();
  const secrets = Array.from({ length: 20 }, (_, index) => secretOf(`${index}x`));
  const directory = await makeEnvironment(sandbox, `SESSION_SECRET=${secrets}\n`);
  const ids = secrets.map(secretIdOf);
  const shared =
    '0123456789abcdef'.split('').find((digit) => ids.filter((id) => id.startsWith(digit)).length > 1) ?? '';
  const { stdout } = await invoke(directory, ['secret', 'retire', shared, '--json']);
  const meant = ids.filter((id) => id.startsWith(shared));
  expect(JSON.parse(stdout).error).toMatchObject({
    code: 'secret-ambiguous',
    message: expect.stringContaining(meant.join(' or ')),
  });
});

test.each<[string, string | undefined, string]>([
  ['no .env', undefined, 'secret-missing'],
  ['a secret that is too short', 'SESSION_SECRET=short\n', 'secret-unusable'],
])('with %s, list says how to make a secret', async (_, text, code) => {
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

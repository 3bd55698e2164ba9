import { once } from 'node:events';
import type { StatsFs } from 'node:fs';
import { chmod, chown, cp, mkdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { checks } from '../../../src/cli/doctor/list.ts';
import { identify } from '../../../src/cli/environment/process-identity.ts';
import { isPlaceholder, minimumBytes, readSecrets } from '../../../src/settings/secrets.ts';
import { open } from '../../../src/stores/embedded/driver.ts';
import type { System } from '../../../src/system.ts';
import { readJson } from '../../support/files.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment, serve } from '../../support/server.ts';
import { commandsIn, diagnose, editJson, env, examine, type Finding, follow, replace, run } from './support.ts';

const hourMs = 60 * 60 * 1000;
const isRoot = process.getuid?.() === 0;
const onlyAsRoot = isRoot ? '' : ' (only as root)';
const strong = 'kJ8-qz3VwT_5rNfB2xYhD7mLpC4sGtE9aUoR6iWvX1Q';

/** No test changes this environment. */
const whole = new Sandbox(afterAll);
beforeAll(async () => {
  await copyEnvironment(whole);
});

/** Runs one check, and compares its findings that are not ok. */
async function expectFindings(
  sandbox: Sandbox,
  check: string,
  expected: [level: string, fact: RegExp][],
  changes: Partial<System> = {},
  url?: string,
): Promise<Finding[]> {
  const found = (await examine(sandbox, check, changes, url)).filter(({ level }) => level !== 'ok');
  expect(found.map(({ level, fact }) => [level, fact])).toEqual(
    expected.map(([level, fact]) => [level, expect.stringMatching(fact)]),
  );
  for (const { level, why, remedy } of found) {
    expect(why).toMatch(/[\w*)]\.$/);
    if (level === 'problem') expect(remedy).toMatch(/\w/);
  }
  return found;
}

test('all checks of an intact environment are ok, and the exit code is 0', async () => {
  const { exitCode, stdout, stderr } = await run(whole, ['doctor', 'myenv', '--verbose']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect((await run(whole, ['doctor', 'myenv'])).stdout).toBe(`0 problems, 0 notes, ${checks.length} ok.\n`);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.pop()).toBe(`0 problems, 0 notes, ${lines.length} ok.`);
  expect(lines.filter((line) => !line.startsWith('ok      '))).toEqual([]);
  expect(lines).toHaveLength(checks.length);
});

test('problems are printed last; the reason and the command have their own lines; the last line has the counts', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await chmod(join(environment, '.env'), 0o644);
  const variables = { ...env, NODE_PATH: '/elsewhere' };
  const { exitCode, stdout } = await run(sandbox, ['doctor', 'myenv'], { env: variables });
  expect(exitCode).toBe(1);
  const lines = stdout.split('\n');
  expect(lines).toEqual([
    'note    node-path: NODE_PATH is set: /elsewhere.',
    expect.stringMatching(/^ {8}\w/),
    '        Type: unset NODE_PATH',
    'problem .env: Other users can read or change .env (mode 0644).',
    '        Anyone who can read the secret can forge sessions of every user.',
    '        Type: chmod 600 myenv/.env',
    expect.stringMatching(/^1 problem, 1 note, \d+ ok\.$/),
    '',
  ]);
});

test.each<[string, RegExp]>([
  ['sessapp.json', /^1 problem, \d notes?, \d+ ok\. Fix the problems to run these checks too: .*node.*\.$/m],
  ['node_modules', /^1 problem, 0 notes, \d+ ok\. Fix the problems to run these checks too: .*packages.*\.$/m],
])('without %s, only the last line names the checks that could not run', async (name, last) => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await rm(join(environment, name), { recursive: true });
  const { stdout } = await run(sandbox, ['doctor', 'myenv']);
  expect(stdout).toMatch(last);
  expect(stdout.match(/^problem/gm)).toHaveLength(1);
  expect(stdout).not.toMatch(/^note.*Not checked/m);
});

test('commands to type are relative to the working directory, also inside the environment', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await chmod(join(environment, '.env'), 0o644);
  const found = await examine(sandbox, '.env', { cwd: join(environment, 'bin') });
  expect(found.flatMap(commandsIn)).toEqual([`chmod 600 ${join(environment, '.env')}`]);
});

test.each([
  ['/usr/bin/fish', 'set -e NODE_PATH'],
  ['/bin/tcsh', 'unsetenv NODE_PATH'],
])('the command to unset NODE_PATH is in the syntax of %s', async (SHELL, command) => {
  const changes = { env: { ...env, SHELL, NODE_PATH: ['/a', '/b'].join(delimiter) } };
  const found = await expectFindings(whole, 'node-path', [['note', /\/a, \/b/]], changes);
  expect(found.flatMap(commandsIn)).toEqual([command]);
});

const disk = (changes: Partial<StatsFs>): Partial<System> => ({
  statfs: async () =>
    ({
      type: 61_267,
      bsize: 4096,
      blocks: 1e7,
      bfree: 5e6,
      bavail: 5e6,
      files: 1e6,
      ffree: 1e6,
      ...changes,
    }) as StatsFs,
});

test.each<[string, Partial<System>, string, [string, RegExp][]]>([
  ['NFS', disk({ type: 0x6969 }), 'file-system', [['problem', /is on NFS, a network file system/]]],
  ['CIFS', disk({ type: 0xff534d42 }), 'file-system', [['problem', /is on SMB/]]],
  ['CIFS by a signed number', disk({ type: 0xff534d42 - 2 ** 32 }), 'file-system', [['problem', /is on SMB/]]],
  ['SMB 2', disk({ type: 0xfe534d42 }), 'file-system', [['problem', /is on SMB/]]],
  ['9p', disk({ type: 0x01021997 }), 'file-system', [['problem', /is on 9p/]]],
  ['some FUSE', disk({ type: 0x65735546 }), 'file-system', [['note', /which may be a network file system/]]],
  ['a full disk', disk({ bavail: 1000 }), 'disk-space', [['problem', /^The disk of .* has 3 MB free\.$/]]],
  ['a disk that is almost full', disk({ bavail: 100_000 }), 'disk-space', [['note', /has 390 MB free/]]],
  ['a small disk', disk({ bavail: 100_000, blocks: 110_000 }), 'disk-space', []],
  ['a disk with too many files', disk({ ffree: 9_000 }), 'disk-space', [['note', /room for only 9000 more files/]]],
  ['a disk that does not count files', disk({ files: 0, ffree: 0 }), 'disk-space', []],
  [
    'a disk whose state cannot be read',
    { statfs: () => Promise.reject(Object.assign(new Error('ENOSYS: no statfs'), { syscall: 'statfs' })) },
    'disk-space',
    [['note', /^Not checked: ENOSYS: no statfs\.$/]],
  ],
])('doctor has the expected findings about %s', async (_, changes, check, expected) => {
  await expectFindings(whole, check, expected, changes);
});

const isOpen = { HOST: '0.0.0.0' };
const production = { NODE_ENV: 'production' };
const proxied = { TRUST_PROXY: '1' };
test.each<[object, string | undefined, [string, RegExp][]]>([
  [{}, undefined, []],
  [{}, 'http://localhost:1', []],
  [proxied, undefined, []],
  [{ ...production, ...proxied }, undefined, []],
  [{ ...production, ...proxied }, 'https://example.invalid', []],
  [production, undefined, [['problem', /TRUST_PROXY is not set: the server sets no session cookie/]]],
  [production, 'https://example.invalid', [['problem', /TRUST_PROXY is not set: the server sets no session cookie/]]],
  [{ ...production, ...proxied }, 'http://example.invalid', [['problem', /the address is plain HTTP/]]],
  [{}, 'https://example.invalid', [['problem', /the cookie is not Secure/]]],
  [proxied, 'https://example.invalid', [['note', /NODE_ENV is not production/]]],
  [{}, 'http://example.invalid', [['note', /Other machines reach the server over plain HTTP/]]],
  [isOpen, undefined, [['note', /Other machines reach the server over plain HTTP/]]],
  [{ ...production, ...proxied, ...isOpen }, undefined, [['note', /other machines can also reach the server/]]],
  [{ TRUST_PROXY: '-1' }, undefined, [['problem', /TRUST_PROXY is not a number/]]],
])(
  'the check of the cookie settings has the expected findings with %j and --url %s',
  async (variables, url, expected) => {
    const found = await expectFindings(whole, 'cookie', expected, { env: { ...env, ...variables } }, url);
    // An environment variable overrides .env, so changing .env would not help.
    for (const finding of found) if ('TRUST_PROXY' in variables) expect(finding.remedy).not.toContain('TRUST_PROXY=');
  },
);

test('a port in use is a note that suggests another port', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const taken = [['note', new RegExp(`Port ${port} of localhost is in use`)]] as [string, RegExp][];
  const found = await expectFindings(whole, 'port', taken, { env: { ...env, PORT: String(port) } });
  expect(found.flatMap(commandsIn)).toEqual([`sessapp serve myenv --port ${port === 65535 ? port - 1 : port + 1}`]);
  await expectFindings(whole, 'port', [['problem', /PORT is not a valid port/]], { env: { ...env, PORT: '65536' } });
});

test.each([
  ['HOST', { HOST: 'no.invalid' }],
  ['HOST', { HOST: '192.0.2.1' }],
  ['METRICS_HOST', { METRICS_PORT: '0', METRICS_HOST: 'no.invalid' }],
])('an address that this machine does not have is a problem of %s: %j', async (name, variables) => {
  const changes = { env: { ...env, ...variables } };
  const [finding] = await expectFindings(whole, 'port', [['problem', /machine has no such address/]], changes);
  expect(finding?.remedy).toContain(`variable ${name} overrides .env: set it to localhost`);
});

test.each<[string, string, [string, RegExp][]]>([
  ['WORKERS', 'abc', [['problem', /WORKERS is 'abc', which is not a valid number of workers/]]],
  ['KEEP_ALIVE', '-1', [['problem', /KEEP_ALIVE is '-1'/]]],
  ['METRICS_PORT', 'x', [['problem', /METRICS_PORT is 'x', which is not a valid port/]]],
  ['NODE_ENV', 'prod', [['note', /NODE_ENV is 'prod', which has no effect: only production has one/]]],
  ['NODE_ENV', 'test', []],
])('what a server refuses, or ignores, is found: %s=%s', async (name, value, expected) => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await writeFile(join(environment, '.env'), `${name}=${value}\n`, { flag: 'a' });
  const [finding] = await expectFindings(sandbox, 'settings', expected);
  if (finding) expect(finding.remedy).toContain(`Correct ${name} in ${join(environment, '.env')}.`);
  const { exitCode, stdout } = await run(sandbox, ['doctor', 'myenv']);
  const problems = expected.filter(([level]) => level === 'problem').length;
  expect(exitCode).toBe(problems);
  expect(stdout).toMatch(new RegExp(`^${problems} problem`, 'm'));
});

test.each([
  ['store', 'mongo', "sessapp.json names the store 'mongo', which does not exist."],
  ['cookie', 'a b;c', "sessapp.json names the cookie 'a b;c', which is not a valid name."],
])('a %s in sessapp.json that is not valid is a problem, and the server refuses it', async (name, value, fact) => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await editJson(join(environment, 'sessapp.json'), (marker: Record<string, string>) => {
    marker[name] = value;
  });
  const { stdout } = await run(sandbox, ['doctor', 'myenv']);
  expect(stdout).toMatch(/^1 problem, 0 notes/m);
  expect(stdout).toContain(fact);
  const served = await sandbox.sessapp(['serve', 'myenv', '--port', '0', '--json']);
  expect(JSON.parse(served.stdout)).toMatchObject({ error: { message: fact } });
});

test('a sessapp.json of a newer sessapp is not damaged', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await editJson(join(environment, 'sessapp.json'), (marker: { format?: number }) => {
    marker.format = 99;
  });
  const [finding] = await expectFindings(sandbox, 'sessapp.json', [
    ['problem', /written by a newer sessapp \(format 99\)/],
  ]);
  expect(finding?.remedy).toMatch(/own copy .* or install a newer sessapp\.$/);
});

test.each<[string, (environment: string) => Promise<unknown>, check: string, fact: RegExp]>([
  ['.env is a directory', (environment) => remake(environment, '.env', mkdir), '.env', /is not a file/],
  [
    '.env is a link to itself',
    (environment) => remake(environment, '.env', (path) => symlink(path, path)),
    '.env',
    /is not a file/,
  ],
  ['data is a file', (environment) => writeFile(join(environment, 'data'), ''), 'data', /is not a directory/],
  ['the disk is full', async () => undefined, 'disk-space', /0 MB free/],
])('when %s, doctor names only this cause, and does not call the store damaged', async (what, damage, check, fact) => {
  const sandbox = new Sandbox();
  await damage(await copyEnvironment(sandbox));
  const changes = what === 'the disk is full' ? disk({ bavail: 1 }) : {};
  const { problems } = await diagnose(sandbox, ['myenv'], changes);
  expect(problems.map((finding) => [finding.check, finding.fact])).toEqual([[check, expect.stringMatching(fact)]]);
  expect(JSON.stringify(problems)).not.toContain('data/sessions');
});

async function remake(environment: string, name: string, make: (path: string) => Promise<unknown>): Promise<void> {
  await rm(join(environment, name));
  await make(join(environment, name));
}

test('when the store files of a running server were removed, doctor advises a restart', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const { url } = await serve(sandbox, environment);
  await rm(join(environment, 'data', 'sessions'), { recursive: true });
  await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: 10_000 }).toBe(503);
  const found = await expectFindings(sandbox, 'store', [['problem', /is not ready/]]);
  expect(found.flatMap(commandsIn)).toEqual(['sessapp stop myenv', 'sessapp serve myenv']);
});

test('a store that crashes may only have a damaged lock file, so doctor does not advise to move it', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await mkdir(join(environment, 'data', 'sessions'), { recursive: true, mode: 0o700 });
  await writeFile(join(environment, 'data', 'sessions', 'lock.mdb'), '', { mode: 0o600 });
  await replace(driverOf(environment), "export const open = () => process.kill(process.pid, 'SIGSEGV');\n");
  const [finding] = await expectFindings(sandbox, 'store', [['problem', /SIGSEGV/]]);
  expect(finding?.remedy).toMatch(
    /^Stop the server, then run doctor again: .* restore a backup: see docs\/store\.md\.$/,
  );
});

test('a server whose data is a file is refused with the remedy', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await writeFile(join(environment, 'data'), '');
  const { exitCode, stdout } = await sandbox.sessapp(['serve', 'myenv', '--port', '0', '--json']);
  expect({ exitCode, ...JSON.parse(stdout).error }).toMatchObject({ exitCode: 1, code: 'data-not-directory' });
});

test.each([
  ['app.js', "import 'node:fs';\n\nthis is error\n", 'app.js:3'],
  ['imported.js', '\nthis is error\n', 'imported.js:2'],
])('a syntax error in %s is reported with its file and line', async (name, text, location) => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await writeFile(join(environment, 'app.js'), "import './imported.js';\n");
  await writeFile(join(environment, name), text);
  const found = await expectFindings(sandbox, 'application', [['problem', /SyntaxError: Unexpected identifier/]]);
  expect(found[0]?.fact).toContain(`(${location}).`);
});

test('a package of the store that does not load is not a damaged store', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await replace(driverOf(environment), 'nonsense(');
  const found = await expectFindings(sandbox, 'store', [['problem', /cannot be used/]]);
  expect(found.flatMap(commandsIn)).toEqual(['sessapp install -e myenv']);
});

test('a secret in the environment variables overrides .env, and the remedy replaces the variable', async () => {
  const overriding = { env: { ...env, SESSION_SECRET: strong } };
  await expectFindings(whole, 'secrets', [['note', /and \.env have different secrets/]], overriding);
  const weak = { env: { ...env, SESSION_SECRET: 'hunter42' } };
  const expected: [string, RegExp][] = [
    ['problem', /has 8 bytes/],
    ['note', /and \.env have different secrets/],
  ];
  const [finding] = await expectFindings(whole, 'secrets', expected, weak);
  expect(finding?.remedy).toMatch(/^The environment variable SESSION_SECRET overrides \.env: .*Type: node -p '/);
});

test('doctor notes a running server only if it has other secrets', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await mkdir(join(environment, 'data'), { recursive: true });
  const record = {
    inode: (await stat(join(environment, 'data'))).ino,
    pid: process.pid,
    url: 'http://localhost:1',
    sinceMs: 1,
  };
  const write = async (about: object) => {
    await mkdir(join(environment, 'data'), { recursive: true });
    const owner = await identify(process.pid);
    await writeFile(join(environment, 'data', 'server.json'), JSON.stringify({ ...record, owner, ...about }));
  };
  await write({ hasOwnSecret: false });
  expect(await examine(sandbox, 'server')).toMatchObject([
    { level: 'ok', fact: 'The server runs at http://localhost:1.' },
  ]);
  expect(await examine(sandbox, 'port')).toMatchObject([{ level: 'ok', fact: 'The server of this environment runs.' }]);
  await expectFindings(sandbox, 'secrets', []);
  await write({ hasOwnSecret: true });
  await expectFindings(sandbox, 'secrets', [['note', /was started with SESSION_SECRET set/]]);
});

test('more than five secrets are a note, and so is a secret of words', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const secrets = ['A', 'B', 'C', 'D', 'E', 'F'].map((letter) => strong.replace('k', letter));
  await replace(join(environment, '.env'), `SESSION_SECRET=${secrets.slice(0, 5).join()}`);
  await expectFindings(sandbox, 'secrets', []);
  await replace(join(environment, '.env'), `SESSION_SECRET=${secrets.join()}`);
  await expectFindings(sandbox, 'secrets', [['note', /There are 6 secrets/]]);
  const words = 'correct horse battery staple and tractor';
  await replace(join(environment, '.env'), `SESSION_SECRET="${words},${strong},${words}"`);
  await expectFindings(sandbox, 'secrets', [
    ['note', /The newest secret looks like words/],
    ['note', /Secret number 3 looks like words/],
  ]);
});

test.each([
  strong,
  'x'.repeat(31),
  'x'.repeat(40),
  '0123456789abcdef0123456789abcdef',
  '환'.repeat(11),
  `${strong}-Change-Me`,
  'correct horse battery staple and tractor',
])('the server refuses the secrets that doctor calls a problem: %s', (secret) => {
  const isRefused = Buffer.byteLength(secret) < minimumBytes || isPlaceholder(secret);
  const server = () => readSecrets(secret);
  if (isRefused) expect(server).toThrow('SESSION_SECRET');
  else expect(server()).toEqual([secret]);
});

test('packages outside the environment are found: in a parent directory, or behind links at any depth', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const packages = join(environment, 'node_modules');
  const parents = sandbox.path('node_modules');
  await mkdir(parents);
  await cp(join(packages, 'express'), join(parents, 'express'), { recursive: true });
  await rm(join(packages, 'express'), { recursive: true });
  await rename(join(packages, 'helmet'), sandbox.path('helmet'));
  await symlink(sandbox.path('helmet'), join(packages, 'helmet'));
  await rename(join(packages, 'pino', 'lib'), sandbox.path('lib'));
  await symlink('../../../lib', join(packages, 'pino', 'lib'));
  await editJson(join(packages, 'etag', 'package.json'), (manifest: { version?: string }) => {
    manifest.version = '0.0.1';
  });
  await rm(join(packages, 'vary'), { recursive: true });
  const outside = await expectFindings(sandbox, 'packages', [
    ['problem', /Outside the environment: helmet \(.*\/helmet\), pino\/lib \(/],
  ]);
  const differs = await expectFindings(sandbox, 'dependencies', [
    ['problem', /package-lock\.json \(missing: express, vary; wrong version: etag\)\.$/],
  ]);
  const found = [...outside, ...differs];
  expect(new Set(found.flatMap(commandsIn))).toEqual(new Set(['sessapp install -e myenv']));
});

const tarballOf = async (environment: string): Promise<string> => {
  const { dependencies } = await readJson<{ dependencies: Record<string, string> }>(environment, 'package.json');
  return dependencies.sessapp?.replace('file:', '') ?? '';
};

test('only one check reports a carried package that is missing or does not match the lockfile', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const path = await tarballOf(environment);
  await writeFile(join(environment, path), 'x', { flag: 'a' });
  const changed = await expectFindings(sandbox, 'carried', [
    ['problem', /does not match its hash in package-lock\.json/],
  ]);
  await rm(join(environment, path));
  const missing = await expectFindings(sandbox, 'carried', [
    ['problem', new RegExp(`^${path.replaceAll('.', '\\.')} is missing\\.$`)],
  ]);
  expect([...changed, ...missing].flatMap(commandsIn)).toEqual(Array(2).fill('sessapp upgrade myenv'));
  await expectFindings(sandbox, 'generated-files', []);
});

test('an environment with sessapp from the registry needs no carried package', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await rm(join(environment, '.sessapp'), { recursive: true });
  await editJson(join(environment, 'package-lock.json'), ({ packages = {} }: { packages?: Record<string, object> }) => {
    packages['node_modules/sessapp'] = { version: '0.1.0', integrity: 'sha512-x' };
  });
  await expectFindings(sandbox, 'carried', []);
});

test.each<[string, (own: string) => Promise<void>, RegExp]>([
  ['was deleted', (own) => rm(own, { recursive: true }), /\(missing: sessapp\)/],
  ['lost its files', (own) => rm(join(own, 'dist'), { recursive: true }), /\(damaged: sessapp\)/],
])('doctor reports that the environment’s copy of sessapp %s', async (_, damage, fact) => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await damage(join(environment, 'node_modules', 'sessapp'));
  const found = await expectFindings(sandbox, 'dependencies', [['problem', fact]]);
  expect(found.flatMap(commandsIn)).toEqual(['sessapp install -e myenv']);
});

test('development dependencies may be missing, as after npm ci --omit=dev', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const devDependencies = { 'is-number': '7.0.0' };
  await editJson(join(environment, 'package.json'), (manifest) => Object.assign(manifest, { devDependencies }));
  await editJson(join(environment, 'package-lock.json'), ({ packages = {} }: { packages?: Record<string, object> }) => {
    packages[''] = { ...packages[''], devDependencies };
    packages['node_modules/is-number'] = { version: '7.0.0', dev: true };
    packages['node_modules/is-odd'] = { version: '3.0.1', devOptional: true };
  });
  for (const check of ['dependencies', 'packages']) await expectFindings(sandbox, check, []);
  await editJson(join(environment, 'package-lock.json'), ({ packages = {} }: { packages?: Record<string, object> }) => {
    packages['node_modules/is-odd'] = { version: '3.0.1' };
  });
  await expectFindings(sandbox, 'dependencies', [
    ['problem', /^The installed packages do not match package-lock\.json \(missing: is-odd\)\.$/],
  ]);
});

test('changed generated files are a note, except those of the application; missing code is a problem', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  for (const path of ['app.js', 'README.md', 'bin/activate.csh', 'bin/activate'])
    await writeFile(join(environment, path), 'export function routes() {}\n', { flag: 'a' });
  const changed = /Changed by hand: bin\/activate, bin\/activate\.csh\./;
  await expectFindings(sandbox, 'generated-files', [['note', changed]]);
  for (const path of ['server.js', 'bin/activate.fish', 'README.md']) await rm(join(environment, path));
  const found = await expectFindings(sandbox, 'generated-files', [
    ['problem', /Missing: server\.js\./],
    ['note', /Missing: bin\/activate\.fish\./],
    ['note', changed],
  ]);
  expect(found.flatMap(commandsIn)).toEqual(Array(2).fill('sessapp upgrade myenv'));
});

test('an invalid line of .env is reported by its number, without its content', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await writeFile(join(environment, '.env'), `# mine\nPORT=0\n<<<<<<< ours\nSESSION_SECRET=${strong}\n`);
  const found = await expectFindings(sandbox, '.env', [['problem', /not NAME=value: line 3\.$/]]);
  expect(JSON.stringify(found)).not.toContain('ours');
});

test.each<[string, string, [string, RegExp][]]>([
  ['exit 1', '22.0.0', [['problem', /own Node\.js does not run/]]],
  ['echo v22.0.1', '22.0.0', [['problem', /own Node\.js is 22\.0\.1, not 22\.0\.0/]]],
  ['echo v20.18.0', '20.18.0', [['problem', /The environment’s own Node\.js 20\.18\.0 is too old/]]],
  ['echo v20.19.0', '20.19.0', []],
])(
  'doctor has the expected findings about an own Node.js that runs `%s` and must be %s',
  async (script, version, expected) => {
    const sandbox = new Sandbox();
    const environment = await copyEnvironment(sandbox);
    await giveNode(environment, version, script);
    const found = await expectFindings(sandbox, 'node', expected);
    const isBroken = found.some(({ fact }) => !fact.includes('too old'));
    if (isBroken)
      expect(found.flatMap(commandsIn)).toEqual(['rm -rf myenv/.node/node_modules', 'sessapp install -e myenv']);
  },
);

test('a TypeScript environment needs a newer Node.js', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await giveNode(environment, '22.17.1', 'echo v22.17.1');
  await editJson(join(environment, 'sessapp.json'), (marker: { language?: string }) => {
    marker.language = 'typescript';
  });
  const found = await expectFindings(sandbox, 'node', [['problem', /22\.17\.1.*too old/]]);
  expect(found.map(({ remedy }) => remedy)).toEqual([expect.stringContaining('--node 24')]);
});

async function giveNode(environment: string, version: string, script: string): Promise<void> {
  await writeFile(join(environment, 'bin', 'node'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  await editJson(join(environment, 'sessapp.json'), (marker: { node?: string }) => {
    marker.node = version;
  });
}

test('the record that the check `store` writes never counts as a session', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const driver = await open(join(environment, 'data', 'sessions'));
  const nowMs = Date.now();
  const times = { createdAtMs: nowMs, seenAtMs: nowMs, expiresAtMs: nowMs + hourMs };
  await driver.create('present', { data: '{}', ...times });
  await driver.close();
  await expectFindings(sandbox, 'store', []);
  const stats = await run(sandbox, ['sessions', 'stats', '-e', 'myenv', '--json']);
  expect(JSON.parse(stats.stdout)).toMatchObject({ sessions: 1, expired: 0 });
});

test.runIf(isRoot)(
  `the check \`data\` ignores lost+found, which exists when data/ is a mount point${onlyAsRoot}`,
  async () => {
    const sandbox = new Sandbox();
    const environment = await copyEnvironment(sandbox);
    await mkdir(join(environment, 'data', 'lost+found'), { recursive: true, mode: 0o755 });
    await chmod(join(environment, 'data'), 0o700);
    for (const path of ['', 'data']) await chown(join(environment, path), 65_534, 65_534);
    await expectFindings(sandbox, 'data', []);
    await mkdir(join(environment, 'data', 'other'));
    await expectFindings(sandbox, 'data', [['problem', /^Owned by another user: data\/other\.$/]]);
  },
);

test('a damaged store is a problem', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await mkdir(join(environment, 'data', 'sessions'), { recursive: true, mode: 0o700 });
  await writeFile(join(environment, 'data', 'sessions', 'data.mdb'), 'x'.repeat(20_000), { mode: 0o600 });
  const found = await expectFindings(sandbox, 'store', [['problem', /store/]]);
  expect(found.flatMap(commandsIn)).toEqual(['mv myenv/data/sessions myenv/data/sessions.damaged']);
});

test.each([
  ['does not write', 'create: async () => false', /it did not accept a new record/],
  ['does not delete', 'read: async () => ({})', /it did not delete a record/],
])('a store that %s is a problem', async (_, broken, fact) => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const calls = ['create: async () => true', 'delete: async () => {}', 'read: async () => {}', 'close: async () => {}'];
  const driver = `export const open = async () => ({ ${[...calls, broken].join(', ')} });\n`;
  await replace(driverOf(environment), driver);
  await expectFindings(sandbox, 'store', [['problem', fact]]);
});

const driverOf = (environment: string): string =>
  join(environment, 'node_modules', 'sessapp', 'dist', 'stores', 'embedded', 'driver.js');

test('a command that cannot use the store suggests doctor', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await mkdir(join(environment, 'data'));
  await writeFile(join(environment, 'data', 'sessions'), '');
  const { stdout } = await run(sandbox, ['sessions', 'stats', '-e', 'myenv', '--json']);
  expect(JSON.parse(stdout).error).toMatchObject({ code: 'store-unavailable', hint: 'Type: sessapp doctor myenv' });
});

test.runIf(isRoot)(
  `as root, doctor writes nothing in another user’s environment, and names the user to run as${onlyAsRoot}`,
  async () => {
    const sandbox = new Sandbox();
    const environment = await copyEnvironment(sandbox);
    for (const path of ['', '.env']) await chown(join(environment, path), 65_534, 65_534);
    const found = await expectFindings(sandbox, 'store', [['note', /^Not checked: .* another user/]]);
    expect(found.flatMap(commandsIn)).toEqual(["sudo -u '#65534' sessapp doctor myenv"]);
  },
);

test('git that fails or is missing is a note', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await mkdir(join(environment, '.git'));
  await expectFindings(sandbox, 'git', [['note', /^Not checked: git failed: fatal: not a git repository/]]);
  const changes = { env: { ...env, PATH: sandbox.path('empty') } };
  await expectFindings(sandbox, 'git', [['note', /^Not checked: git is not on the PATH\.$/]], changes);
});

test.each<[names: string[], mode: number, level: string, fact: RegExp, typed: string[]]>([
  [
    ['.', 'node_modules', '.sessapp'],
    0o777,
    'problem',
    /^Every user can write to: \., \.sessapp, node_modules\.$/,
    ['chmod go-w myenv myenv/.sessapp', 'chmod -R go-w myenv/node_modules'],
  ],
  [['bin'], 0o775, 'note', /^The group can write to: bin\.$/, ['chmod go-w myenv/bin']],
])('code folders %j that others can write to (mode %i) are a %s', async (names, mode, level, fact, typed) => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await mkdir(join(environment, 'uploads'));
  for (const name of [...names, 'uploads']) await chmod(join(environment, name), mode);
  const [finding] = await expectFindings(sandbox, 'folders', [[level, fact]]);
  if (!finding) return;
  expect(commandsIn(finding)).toEqual(typed);
  await follow(sandbox, finding);
  await expectFindings(sandbox, 'folders', []);
  expect((await stat(join(environment, 'uploads'))).mode & 0o777).toBe(mode);
});

test('no command appends to a .gitignore whose last line has no line break', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await run(sandbox, ['run', '-e', 'myenv', '--', 'git', 'init', '--quiet', environment]);
  await writeFile(join(environment, '.gitignore'), 'data/');
  const [finding] = await expectFindings(sandbox, 'git', [['problem', /does not ignore \.env/]]);
  expect(finding?.remedy).toBe(`Add a line to ${join(environment, '.gitignore')}: .env`);
});

import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { toPackageName } from '../../src/cli/scaffold/package-name.ts';
import { readJson } from '../support/files.ts';
import { invoke } from '../support/in-process.ts';
import { finish, Sandbox } from '../support/sandbox.ts';

type Validate = (name: string) => { validForNewPackages: boolean; errors?: string[]; warnings?: string[] };
const global = execFileSync('npm', ['root', '-g'], { encoding: 'utf8' }).trim();
/** npm's own validation, loaded from npm. */
const validate: Validate = createRequire(join(global, 'npm', 'index.js'))('validate-npm-package-name');

const hostile = [
  'with spaces',
  `it's "quoted"`,
  '$(touch pwned)',
  '`touch pwned`',
  'a; touch pwned',
  'a && touch pwned |& tee pwned',
  '%PATH% !x! ^&',
  '🦊 emoji',
  '세션 서버',
  '-rf',
  '--clear',
  'x'.repeat(200),
  'line\nbreak',
  'tab\tand\\backslash',
  '*?[a-z]{1,2}',
  '~',
  '...',
  'UPPER.Case',
  'http',
  'lmdb',
  '__proto__',
];

test.each(hostile)(
  'a directory named %j gets a valid package name, and nothing in the name is executed',
  async (name) => {
    const sandbox = new Sandbox();
    const result = await invoke(sandbox.directory, ['init', '--no-install', '--git', '--json', '--', name]);
    expect({ ...result, stdout: '' }).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(result.stdout)).toMatchObject({ status: 'created', directory: sandbox.path(name) });
    expect(await readdir(sandbox.directory)).toEqual([name]);
    const manifest = await readJson<{ name: string }>(sandbox.path(name, 'package.json'));
    expect([manifest.name, validate(manifest.name)]).toEqual([
      manifest.name,
      { validForNewPackages: true, validForOldPackages: true },
    ]);
    const { cookie } = await readJson<{ cookie: string }>(sandbox.path(name, 'sessapp.json'));
    expect(cookie).toMatch(/^[a-z0-9-]+$/);
  },
);

test('a shell reads the printed next command with exactly that directory', async () => {
  const sandbox = new Sandbox();
  const name = `a'b "c" $(touch pwned); \`touch pwned\` \\ 세션`;
  const { stdout } = await sandbox.sessapp(['init', '--no-install', '--', name], {
    env: { SHELL: '/bin/sh', npm_command: undefined },
  });
  const [serve = ''] = stdout.split('\n').filter((line) => line.trim().startsWith('sessapp serve'));
  const shell = sandbox.spawn('sh', ['-c', `sessapp() { printf '%s|' "$@"; }; ${serve.trim()}`]);
  expect((await finish(shell)).stdout).toBe(`serve|${name}|`);
  expect(await readdir(sandbox.directory)).toEqual([name]);
});

test('a name with a colon, which PATH cannot contain, works with a warning', async () => {
  const sandbox = new Sandbox();
  const result = await sandbox.sessapp(['init', 'a:b', '--no-install', '--json']);
  expect(result.exitCode).toBe(0);
  expect(result.stderr).toMatch(/^warning: The path contains ':', which separates entries of PATH/);
  expect(JSON.parse(result.stdout).plan.warnings).toHaveLength(1);
});

test('a name that is too long for the file system is refused', async () => {
  const sandbox = new Sandbox();
  const result = await sandbox.sessapp(['init', '세'.repeat(200), '--no-install', '--json']);
  expect(result.exitCode).toBe(1);
  expect(JSON.parse(result.stdout).error).toMatchObject({ code: 'name-too-long' });
  expect(await readdir(sandbox.directory)).toEqual([]);
});

test.each([
  ['My Shop (2)', 'my-shop-2'],
  ['Café', 'cafe'],
  ['세션', 'session-server'],
  ['a.b_c-d', 'a.b_c-d'],
  [`${'y'.repeat(213)}-z`, 'y'.repeat(213)],
])('the package of %j is named %s', (directory, name) => {
  expect(toPackageName(directory)).toBe(name);
  expect(validate(name).validForNewPackages).toBe(true);
});

test.each(['$(touch pwned)', `'; touch pwned; '`, '%s \\u001b 🦊'])(
  'the prompt %j is stored unchanged, as data',
  async (prompt) => {
    const sandbox = new Sandbox();
    const result = await sandbox.sessapp(['init', 'myenv', '--no-install', '--prompt', prompt, '--json']);
    expect(result.exitCode).toBe(0);
    expect(await readJson(sandbox.path('myenv', 'sessapp.json'))).toMatchObject({ prompt });
    const info = await sandbox.sessapp(['info', 'myenv', '--json']);
    expect(JSON.parse(info.stdout)).toMatchObject({ name: prompt });
    expect(await readdir(sandbox.directory)).toEqual(['myenv']);
  },
);

import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readJson } from '../../support/files.ts';
import { invoke } from '../../support/in-process.ts';
import { finish, Sandbox } from '../../support/sandbox.ts';

const folder = join('app', 'additions', 'passkeys');
const unreachable = { npm_config_registry: 'http://127.0.0.1:9/', npm_config_fetch_retries: '0' };

async function createEnvironment(...options: string[]): Promise<string> {
  const sandbox = new Sandbox();
  const made = await invoke(sandbox.directory, ['init', 'shop', '--no-install', ...options]);
  expect(made).toMatchObject({ exitCode: 0 });
  return sandbox.path('shop');
}

/** Simulates the installation by npm, which other tests cover. */
async function install(directory: string): Promise<void> {
  const path = join(directory, 'package.json');
  const manifest = await readJson<{ dependencies: object }>(path);
  const dependencies = { ...manifest?.dependencies, '@simplewebauthn/server': '^14.0.3' };
  await writeFile(path, JSON.stringify({ ...manifest, dependencies }));
  await mkdir(join(directory, 'node_modules', '@simplewebauthn', 'server'), { recursive: true });
}

async function add(directory: string, env: NodeJS.ProcessEnv = {}) {
  const { exitCode, stdout } = await invoke(directory, ['add', 'passkeys', '--json'], env);
  return { exitCode, ...JSON.parse(stdout) };
}

const list = async (directory: string) => (await readdir(directory, { recursive: true })).sort();

test.each([
  ['embedded', 'js', []],
  ['redis', 'js', []],
  ['postgres', 'ts', ['--typescript', '--node', '24']],
])(
  'add passkeys writes the files for %s in .%s, and reports them as present the second time',
  async (store, extension, options) => {
    const directory = await createEnvironment('--template', 'accounts', '--store', store, ...options);
    await install(directory);
    const before = await list(directory);
    const added = await add(directory);
    expect(added).toMatchObject({ exitCode: 0, status: 'added', addition: 'passkeys', packages: [] });
    const paths = added.files.map(({ path }: { path: string }) => path);
    const after = (await list(directory)).filter((path) => !before.includes(path));
    expect(after.filter((path) => !['app/additions', folder].includes(path))).toEqual([...paths].sort());
    const code = paths.filter((path: string) => /\.[jt]s$/.test(path));
    expect(code.filter((path: string) => !path.endsWith(`.${extension}`))).toEqual([]);
    expect(await readFile(join(directory, folder, `store.${extension}`), 'utf8')).toContain(`sessapp/stores/${store}`);
    expect(paths.some((path: string) => path.endsWith('browser.mjs'))).toBe(true);

    expect((await invoke(directory, ['add', 'passkeys'])).stdout).toContain('shop already has passkeys.');
    expect(await add(directory)).toMatchObject({ status: 'present', packages: [] });
  },
);

test('the application needs no change: it loads the addition once its entry file exists', async () => {
  const directory = await createEnvironment('--template', 'accounts');
  await install(directory);
  const application = await readFile(join(directory, 'app.js'), 'utf8');
  const { files } = await add(directory);
  expect(files.at(-1).path).toBe('app/additions/passkeys/addition.js');
  expect(await readFile(join(directory, 'app.js'), 'utf8')).toBe(application);
});

test('for an environment of another template, the hint names the command that makes an environment of the right template', async () => {
  const directory = await createEnvironment();
  const before = await list(directory);
  const { exitCode, error } = await add(directory);
  expect([exitCode, error]).toEqual([1, expect.objectContaining({ code: 'template-differs' })]);
  expect(error.hint).toContain('sessapp init <dir> --template accounts');
  expect(await list(directory)).toEqual(before);
});

test('an application that cannot load the addition is refused with the reason', async () => {
  const directory = await createEnvironment('--template', 'accounts');
  await rm(join(directory, 'app', 'additions.js'));
  const { exitCode, error } = await add(directory);
  expect([exitCode, error.code]).toEqual([1, 'application-differs']);
  expect(error.message).toContain(join(directory, 'app', 'additions.js'));
});

test('a file with other content is named and kept, and nothing is written', async () => {
  const directory = await createEnvironment('--template', 'accounts');
  await install(directory);
  await mkdir(join(directory, folder), { recursive: true });
  await writeFile(join(directory, folder, 'texts.js'), 'mine\n');
  const { exitCode, error } = await add(directory);
  expect([exitCode, error.code]).toEqual([1, 'file-conflict']);
  expect(error.message).toContain(join(directory, folder, 'texts.js'));
  expect(await readdir(join(directory, folder))).toEqual(['texts.js']);
  expect(await readFile(join(directory, folder, 'texts.js'), 'utf8')).toBe('mine\n');
});

test('nothing is written outside the environment through a link', async () => {
  const directory = await createEnvironment('--template', 'accounts');
  const outside = new Sandbox().directory;
  await symlink(outside, join(directory, 'app', 'additions'));
  expect(await add(directory)).toMatchObject({ exitCode: 1, error: { code: 'folder-conflict' } });
  expect(await readdir(outside)).toEqual([]);
});

test('files of an interrupted run are completed, and equal files stay', async () => {
  const directory = await createEnvironment('--template', 'accounts');
  await install(directory);
  await add(directory);
  await rm(join(directory, folder, 'addition.js'));
  await rm(join(directory, folder, 'login.js'));
  const { status, files } = await add(directory);
  expect(status).toBe('added');
  const written = files.filter(({ state }: { state: string }) => state === 'written');
  expect(written.map(({ path }: { path: string }) => path)).toEqual([
    'app/additions/passkeys/login.js',
    'app/additions/passkeys/addition.js',
  ]);
});

test('when npm fails, no file is left behind and package.json is unchanged', async () => {
  const directory = await createEnvironment('--template', 'accounts');
  const before = await list(directory);
  const manifest = await readFile(join(directory, 'package.json'), 'utf8');
  const { exitCode, error } = await add(directory, { ...unreachable, npm_config_cache: new Sandbox().directory });
  expect([exitCode, error.code]).toEqual([1, 'npm-failed']);
  expect((await list(directory)).filter((path) => !path.startsWith('node_modules'))).toEqual(before);
  expect(await readFile(join(directory, 'package.json'), 'utf8')).toBe(manifest);
});

test('a signal during the installation ends the command and leaves no partial result', async () => {
  const directory = await createEnvironment('--template', 'accounts');
  const before = await list(directory);
  const manifest = await readFile(join(directory, 'package.json'), 'utf8');
  const registry = createServer();
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    registry.closeAllConnections();
    registry.close();
  });
  const asked = new Promise((resolve) => registry.once('request', resolve));
  const sandbox = new Sandbox();
  const { port } = registry.address() as AddressInfo;
  const env = { npm_config_registry: `http://127.0.0.1:${port}/`, npm_config_cache: sandbox.path('cache') };
  const child = sandbox.start(['add', 'passkeys', '-e', directory], { env });
  const ended = finish(child);
  await asked;
  expect(await readdir(join(directory, folder))).not.toContain('addition.js');
  child.kill('SIGINT');
  expect((await ended).exitCode).toBe(130);
  expect((await list(directory)).filter((path) => !path.startsWith('node_modules'))).toEqual(before);
  expect(await readFile(join(directory, 'package.json'), 'utf8')).toBe(manifest);
});

test.each([
  [[], /No addition given\.\nChoose one: add passkeys\./],
  [['passkey'], /There is no addition 'passkey'\.\nDid you mean passkeys\? Valid additions: passkeys\./],
])('sessapp add %j lists the additions', async (words, message) => {
  const { exitCode, stderr } = await invoke(new Sandbox().directory, ['add', ...words]);
  expect([exitCode, stderr]).toEqual([2, expect.stringMatching(message)]);
});

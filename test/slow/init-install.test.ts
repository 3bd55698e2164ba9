import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, inject, onTestFinished, test } from 'vitest';
import { readJson } from '../support/files.ts';
import { finish, Sandbox } from '../support/sandbox.ts';

interface Lockfile {
  packages: Record<string, { version?: string; integrity?: string; optional?: boolean }>;
}

const unreachable = 'http://127.0.0.1:1';

test('parent directories and user settings change neither the installed packages nor where Node.js finds them', async () => {
  const sandbox = new Sandbox();
  await surround(sandbox);
  const env = {
    SESSAPP_CACHE_DIR: sandbox.path('snapshots'),
    NODE_PATH: sandbox.path('node_modules'),
    NODE_ENV: 'production',
    npm_config_userconfig: sandbox.path('user-npmrc'),
    npm_config_local_prefix: sandbox.directory,
    npm_config_prefix: sandbox.path('global'),
    npm_config_omit: 'optional',
    npm_config_include_workspace_root: 'true',
    npm_config_workspaces: 'true',
    npm_config_global: 'true',
    npm_config_dry_run: 'true',
    npm_config_package_lock_only: 'true',
    npm_config_install_strategy: 'nested',
    npm_config_ignore_scripts: 'false',
    npm_package_json: sandbox.path('package.json'),
    INIT_CWD: sandbox.directory,
  };
  const result = await sandbox.sessapp(['init', 'project/myenv', '--json'], { env, cwd: sandbox.directory });
  expect({ ...result, stdout: '' }).toEqual({ exitCode: 0, signal: null, stdout: '', stderr: '' });

  const directory = sandbox.path('project', 'myenv');
  expect(await resolved(directory)).toEqual(await resolved(inject('environment')));
  expect(await found(sandbox, directory)).not.toEqual([]);
  for (const url of await found(sandbox, directory)) {
    expect(url.startsWith(`${pathToFileURL(join(directory, 'node_modules')).href}/`)).toBe(true);
  }
  for (const lockfile of ['package-lock.json', join('node_modules', '.package-lock.json')]) {
    expect(await readFile(join(directory, lockfile), 'utf8')).not.toMatch(/"resolved": "(?!file:\.sessapp\/)/);
  }
  const bins = join('node_modules', '.bin');
  expect(await readdir(join(directory, bins))).toEqual(await readdir(join(inject('environment'), bins)));
  expect((await readdir(sandbox.path('project'))).sort()).toEqual(['myenv', 'package.json']);
  expect((await readdir(sandbox.directory)).filter((name) => name.startsWith('global'))).toEqual([]);
});

/** Makes a workspace, settings and packages in the parent directories, and harmful user settings. */
async function surround(sandbox: Sandbox): Promise<void> {
  const settings = `registry=${unreachable}\nignore-scripts=false\n`;
  const workspace = {
    name: 'outer',
    private: true,
    workspaces: ['*', 'project/*'],
    dependencies: { express: '3.0.0' },
  };
  await mkdir(sandbox.path('project'));
  await mkdir(sandbox.path('node_modules', 'express'), { recursive: true });
  await writeFile(sandbox.path('node_modules', 'express', 'package.json'), '{"name":"express","version":"0.0.1"}');
  await writeFile(sandbox.path('.npmrc'), settings);
  await writeFile(
    sandbox.path('user-npmrc'),
    'package-lock=false\nomit=optional\ninstall-strategy=nested\nbin-links=false\n',
  );
  await writeFile(sandbox.path('package.json'), JSON.stringify(workspace));
  await writeFile(sandbox.path('project', 'package.json'), JSON.stringify({ workspaces: ['*'] }));
}

async function resolved(directory: string): Promise<Record<string, string>> {
  const { packages } = await readJson<Lockfile>(directory, 'node_modules', '.package-lock.json');
  expect(Object.keys(packages).length).toBeGreaterThan(50);
  return Object.fromEntries(
    Object.entries(packages).map(([path, { version, integrity }]) => [path, `${version} ${integrity}`]),
  );
}

async function found(sandbox: Sandbox, directory: string): Promise<string[]> {
  const manifest = await readJson<{ dependencies: Record<string, string> }>(directory, 'package.json');
  const entries = Object.keys(manifest.dependencies).map((name) => (name === 'sessapp' ? 'sessapp/server' : name));
  const names = JSON.stringify(entries);
  const script = `console.log(JSON.stringify(${names}.map((name) => import.meta.resolve(name))))`;
  const child = sandbox.spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: directory });
  return JSON.parse((await finish(child)).stdout) as string[];
}

test.each(['p${HOME}/myenv', 'my${HOME}', 'with space /myenv'])(
  'npm uses the directory name %j literally, and writes nowhere else',
  async (target) => {
    const sandbox = new Sandbox();
    const env = { SESSAPP_CACHE_DIR: sandbox.path('snapshots'), HOME: sandbox.path('home') };
    await mkdir(env.HOME);
    const npmCache = (await finish(sandbox.spawn('npm', ['config', 'get', 'cache']))).stdout.trim();
    const result = await sandbox.sessapp(['init', target], { env: { ...env, npm_config_cache: npmCache } });
    expect(result).toMatchObject({ exitCode: 0 });
    expect(await resolved(sandbox.path(target))).toEqual(await resolved(inject('environment')));
    expect((await readdir(sandbox.directory)).sort()).toEqual(['home', 'snapshots', target.replace(/\/.*/, '')].sort());
    expect(await readdir(env.HOME)).toEqual([]);
  },
);

test.each([
  [
    'the registry cannot be reached',
    { npm_config_registry: unreachable },
    [],
    'npm-failed',
    /ECONNREFUSED/,
    /registry/,
  ],
  ['the cache is empty', {}, ['--offline'], 'npm-failed', /cache/, /--offline/],
  ['the cache is empty, for Node.js', {}, ['--offline', '--node', '24'], 'npm-failed', /cache/, /--offline/],
  ['npm is missing', { PATH: '/nowhere' }, [], 'npm-missing', /^npm is not on the PATH\.$/, /Install npm/],
])(
  'when %s, the error has npm’s reason in a few lines, and no target is left',
  async (_, variables, options, code, fact, hint) => {
    const sandbox = new Sandbox();
    const env = { SESSAPP_CACHE_DIR: sandbox.path('snapshots'), npm_config_cache: sandbox.path('cache'), ...variables };
    await mkdir(sandbox.path('work'));
    const started = Date.now();
    const result = await sandbox.sessapp(['init', 'a/myenv', '--json', ...options], { env, cwd: sandbox.path('work') });
    expect(Date.now() - started).toBeLessThan(15_000);
    const { error } = JSON.parse(result.stdout) as { error: { code: string; message: string; hint: string } };
    expect({ exitCode: result.exitCode, code: error.code }).toEqual({ exitCode: 1, code });
    expect(error.message).toMatch(fact);
    expect(error.message.split('\n').length).toBeLessThanOrEqual(5);
    expect(error.hint).toMatch(hint);
    expect(await readdir(sandbox.path('work'))).toEqual([]);
  },
);

test('a version that is newer than the cached metadata of npm is installed', async () => {
  const sandbox = new Sandbox();
  const first = await pack(sandbox, '1.0.0');
  const second = await pack(sandbox, '1.1.0');
  const published = [first];
  const registry = await startRegistry(published);
  const env = {
    SESSAPP_CACHE_DIR: sandbox.path('snapshots'),
    npm_config_cache: sandbox.path('cache'),
    npm_config_registry: registry,
  };
  await sandbox.sessapp(['init', 'myenv', '--no-install']);
  const install = async (wanted: Pack): Promise<string | undefined> => {
    await depend(sandbox.path('myenv'), wanted);
    expect(await sandbox.sessapp(['install', '-e', 'myenv'], { env })).toMatchObject({ exitCode: 0 });
    return (await readJson<Pack>(sandbox.path('myenv', 'node_modules', 'thing'), 'package.json')).version;
  };
  expect(await install(first)).toBe('1.0.0');
  published.push(second);
  expect(await install(second)).toBe('1.1.0');
});

async function depend(directory: string, { version, integrity }: Pack): Promise<void> {
  const sessapp = { name: 'sessapp', version: '1.0.0' };
  const manifest = { name: 'myenv', version: '1.0.0', dependencies: { sessapp: 'file:sessapp', thing: version } };
  const packages = {
    '': manifest,
    sessapp,
    'node_modules/sessapp': { resolved: 'sessapp', link: true },
    'node_modules/thing': { version, integrity },
  };
  const lockfile = { ...manifest, lockfileVersion: 3, requires: true, packages };
  // In place of the package itself, whose dependencies this registry does not have.
  await mkdir(join(directory, 'sessapp'), { recursive: true });
  await writeFile(join(directory, 'sessapp', 'package.json'), JSON.stringify(sessapp));
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(directory, 'package-lock.json'), JSON.stringify(lockfile));
}

interface Pack {
  version: string;
  file: Buffer;
  integrity: string;
}

/** Packs a version of a package named thing. */
async function pack(sandbox: Sandbox, version: string): Promise<Pack> {
  const directory = sandbox.path(`thing-${version}`);
  await mkdir(directory);
  await writeFile(join(directory, 'package.json'), JSON.stringify({ name: 'thing', version }));
  const { stdout } = await finish(sandbox.spawn('npm', ['pack', '--silent'], { cwd: directory }));
  const file = await readFile(join(directory, stdout.trim()));
  return { version, file, integrity: `sha512-${createHash('sha512').update(file).digest('base64')}` };
}

/** A registry with one package, whose responses may be cached for an hour. */
async function startRegistry(packs: Pack[]): Promise<string> {
  const server = createServer((req, res) => {
    const asked = packs.find(({ version }) => req.url === `/thing/${version}.tgz`);
    res.setHeader('Cache-Control', 'max-age=3600');
    if (asked) return void res.end(asked.file);
    const versions = packs.map(({ version, integrity }) => {
      const dist = { tarball: `http://${req.headers.host}/thing/${version}.tgz`, integrity };
      return [version, { name: 'thing', version, dist }] as const;
    });
    res.setHeader('Content-Type', 'application/json');
    res.end(
      JSON.stringify({
        name: 'thing',
        'dist-tags': { latest: packs.at(-1)?.version },
        versions: Object.fromEntries(versions),
      }),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('after a failed installation, an existing directory is unchanged', async () => {
  const sandbox = new Sandbox();
  await mkdir(sandbox.path('myenv'));
  const env = {
    SESSAPP_CACHE_DIR: sandbox.path('snapshots'),
    npm_config_cache: sandbox.path('cache'),
    npm_config_registry: unreachable,
  };
  const result = await sandbox.sessapp(['init', 'myenv'], { env });
  expect(result).toMatchObject({ exitCode: 1, stdout: '' });
  expect(result.stderr).toMatch(/^Installing dependencies …\nerror: npm failed:\n( {2}.+\n){1,6}Check the network/);
  expect(await readdir(sandbox.path('myenv'))).toEqual([]);
});

test('--no-install writes the files, and prints the install command', async () => {
  const sandbox = new Sandbox();
  const env = { PATH: '/nowhere', npm_command: undefined };
  const result = await sandbox.sessapp(['init', 'myenv', '--no-install'], { env });
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  expect(result.stdout).toMatch(/\n {2}sessapp install \S+ myenv\n/);
  expect(await readdir(sandbox.path('myenv'))).not.toContain('node_modules');
});

test('an existing package.json with the required entries is used, and npm makes its missing lockfile', async () => {
  const sandbox = new Sandbox();
  const ours = await readJson<{ dependencies: object }>(join(inject('environment'), 'package.json'));
  const dependencies = { ...ours.dependencies, 'is-number': '7.0.0' };
  const overrides = { 'msgpackr-extract': '3.0.4' };
  const manifest = { name: 'mine', type: 'module', dependencies, overrides };
  await mkdir(sandbox.path('t'));
  await writeFile(sandbox.path('t', 'package.json'), JSON.stringify(manifest));
  const result = await sandbox.sessapp(['init', 't', '--allow-existing', '--json']);
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await readJson(sandbox.path('t', 'package.json'))).toEqual(manifest);
  const lockfile = await readFile(sandbox.path('t', 'package-lock.json'), 'utf8');
  expect(JSON.parse(lockfile).packages['node_modules/is-number'].version).toBe('7.0.0');
  expect(lockfile).not.toMatch(/"resolved": "(?!file:\.sessapp\/)/);
  const info = await sandbox.sessapp(['info', 't', '--json']);
  expect(JSON.parse(info.stdout)).toMatchObject({ dependencies: 'ready' });
});

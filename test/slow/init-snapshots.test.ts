import { chmodSync, lstatSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { expect, test } from 'vitest';
import { ownIdentity } from '../../src/cli/environment/lock.ts';
import { refuseDirectory } from '../../src/cli/private-directory.ts';
import { cacheDirectory } from '../../src/cli/scaffold/snapshots/cache-directory.ts';
import { Snapshots } from '../../src/cli/scaffold/snapshots/snapshots.ts';
import { copySharedCache } from '../support/cache.ts';
import { canActAsStranger, onlyAsRoot, stranger } from '../support/privileges.ts';
import { finish, repository, Sandbox } from '../support/sandbox.ts';

const key = 'a'.repeat(40);

/** A project with a node_modules in npm's format, and a cache with its snapshot. */
async function createSnapshot() {
  const sandbox = new Sandbox();
  const source = sandbox.path('one', 'node_modules');
  await mkdir(join(source, 'pkg', 'bin'), { recursive: true });
  await mkdir(join(source, '.bin'));
  await writeFile(join(source, 'pkg', 'index.js'), 'module.exports = 1;\n');
  await writeFile(join(source, 'pkg', 'bin', 'run'), '#!/bin/sh\n', { mode: 0o755 });
  await symlink('../pkg/bin/run', join(source, '.bin', 'run'));
  await writeFile(join(source, '.package-lock.json'), '{ "name": "one", "packages": {} }\n');
  await writeFile(sandbox.path('one', 'package-lock.json'), '{ "name": "one" }');
  const cache = sandbox.path('cache');
  await mkdir(cache);
  await new Snapshots(cache).save(source, key);
  const copy = async (name: string, from = cache): Promise<string | undefined> => {
    await mkdir(sandbox.path(name));
    await writeFile(sandbox.path(name, 'package-lock.json'), JSON.stringify({ name }));
    const target = sandbox.path(name, 'node_modules');
    return (await new Snapshots(from).copyTo(target, key)) ? target : undefined;
  };
  return { sandbox, source, cache, tree: join(cache, 'snapshots', key, 'tree'), copy };
}

test('a copy of a snapshot has the same files, links and modes as npm’s tree, and the name of its own project', async () => {
  const { source, copy } = await createSnapshot();
  const target = (await copy('two')) ?? '';
  expect(readdirSync(target, { recursive: true }).sort()).toEqual(readdirSync(source, { recursive: true }).sort());
  expect(await readFile(join(target, '.bin', 'run'), 'utf8')).toBe('#!/bin/sh\n');
  expect(lstatSync(join(target, '.bin', 'run')).isSymbolicLink()).toBe(true);
  expect(statSync(join(target, 'pkg', 'bin', 'run')).mode & 0o777).toBe(0o755);
  expect(JSON.parse(await readFile(join(target, '.package-lock.json'), 'utf8'))).toEqual({ name: 'two', packages: {} });
  const listed = statSync(join(target, '.package-lock.json')).mtimeMs;
  for (const folder of ['', 'pkg', '.bin']) expect(statSync(join(target, folder)).mtimeMs).toBeLessThanOrEqual(listed);
});

test('a change in one environment affects neither other environments nor the cache', async () => {
  const { source, tree, copy } = await createSnapshot();
  const [two = '', three = ''] = [await copy('two'), await copy('three')];
  await writeFile(join(two, 'pkg', 'index.js'), 'changed');
  await writeFile(join(source, 'pkg', 'index.js'), 'changed too');
  for (const copied of [three, tree, (await copy('four')) ?? ''])
    expect(await readFile(join(copied, 'pkg', 'index.js'), 'utf8')).toBe('module.exports = 1;\n');
  for (const copied of [two, three, tree]) expect(statSync(join(copied, 'pkg', 'index.js')).nlink).toBe(1);
});

test.each<[string, (tree: string) => Promise<unknown>]>([
  ['a changed file of the same size and time', (tree) => replaceUnseen(join(tree, 'pkg', 'index.js'))],
  ['an added file', (tree) => writeFile(join(tree, 'pkg', 'index.json'), '{}')],
  ['a missing file', (tree) => rm(join(tree, 'pkg', 'index.js'))],
  ['a link with another target', (tree) => relink(join(tree, '.bin', 'run'), '../../../evil')],
  ['a folder in place of a file', (tree) => replaceByFolder(join(tree, 'pkg', 'index.js'))],
  ['a file in place of a folder', (tree) => replaceByFile(join(tree, 'pkg'))],
  ['a file in place of the snapshot', (tree) => replaceByFile(join(tree, '..'))],
  ['a set-user-ID file', (tree) => chmod(join(tree, 'pkg', 'index.js'), 0o4755)],
  ['a file that other users can write to', (tree) => chmod(join(tree, 'pkg', 'index.js'), 0o666)],
  ['a program that is no longer executable', (tree) => chmod(join(tree, 'pkg', 'bin', 'run'), 0o644)],
  ['a folder that other users can write to', (tree) => chmod(join(tree, 'pkg'), 0o777)],
  ['a folder in place of the manifest', (tree) => replaceByFolder(join(tree, '..', 'manifest.json'))],
  ['null as the manifest', (tree) => writeFile(join(tree, '..', 'manifest.json'), 'null')],
  ['a null entry in the manifest', (tree) => addEntries(tree, [null])],
  ['an entry without a path in the manifest', (tree) => addEntries(tree, [{}])],
  ['a missing manifest', (tree) => rm(join(tree, '..', 'manifest.json'))],
  ['a truncated manifest', (tree) => writeFile(join(tree, '..', 'manifest.json'), '{"entries":[')],
  ['an empty object as the manifest', (tree) => writeFile(join(tree, '..', 'manifest.json'), '{}')],
  ['a path outside the tree in the manifest', (tree) => addEntries(tree, [{ path: '../evil', mode: 0o755 }])],
])('a snapshot with %s is removed and not used', async (_, damage) => {
  const { sandbox, cache, tree, copy } = await createSnapshot();
  await damage(tree);
  expect(await copy('two')).toBeUndefined();
  expect(readdirSync(sandbox.path('two'))).toEqual(['package-lock.json']);
  expect(readdirSync(join(cache, 'snapshots'))).toEqual([]);
  expect(readdirSync(sandbox.directory).sort()).toEqual(['cache', 'one', 'two']);
});

async function replaceUnseen(file: string): Promise<void> {
  const { atime, mtime } = statSync(file);
  await writeFile(file, 'module.exports = 2;\n');
  utimesSync(file, atime, mtime);
}

async function relink(link: string, target: string): Promise<void> {
  await rm(link);
  await symlink(target, link);
}

async function replaceByFolder(file: string): Promise<void> {
  await rm(file);
  await mkdir(file);
}

async function replaceByFile(folder: string): Promise<void> {
  await rm(folder, { recursive: true });
  await writeFile(folder, '');
}

/** Adds entries to the manifest of a snapshot. */
async function addEntries(tree: string, more: unknown[]): Promise<void> {
  const manifest = join(tree, '..', 'manifest.json');
  const content = JSON.parse(await readFile(manifest, 'utf8'));
  await writeFile(manifest, JSON.stringify({ ...content, entries: [...content.entries, ...more] }));
}

/** Bundles a module of the command with its imports. The package contains it only inside the command's bundle. */
async function bundle(module: string, file: string): Promise<void> {
  const bundled = await rolldown({ input: module, platform: 'node' });
  await bundled.write({ file, format: 'esm' });
  await bundled.close();
}

/** Runs `code` with `snapshots` as an unprivileged user. Returns its output. */
async function asStranger(sandbox: Sandbox, cache: string, code: string): Promise<string> {
  await finish(sandbox.spawn('chown', ['-R', `${stranger.uid}:${stranger.gid}`, sandbox.directory]));
  const module = sandbox.path('snapshots.js');
  await bundle(join(repository, 'src', 'cli', 'scaffold', 'snapshots', 'snapshots.ts'), module);
  const script = `import { Snapshots } from '${pathToFileURL(module).href}';
    const [cache, key] = process.argv.slice(1);
    const snapshots = new Snapshots(cache);
    console.log(${code});`;
  const args = ['--input-type=module', '-e', script, cache, key];
  const { stdout, stderr } = await finish(sandbox.spawn(process.execPath, args, stranger));
  expect(stderr).toBe('');
  return stdout.trim();
}

test.runIf(canActAsStranger).each(['pkg/index.js', 'pkg', '../manifest.json'])(
  `a snapshot whose %s cannot be read is made again${onlyAsRoot}`,
  async (path) => {
    const { sandbox, cache, tree } = await createSnapshot();
    await chmod(join(tree, path), 0);
    await mkdir(sandbox.path('two'));
    await writeFile(sandbox.path('two', 'package-lock.json'), '{ "name": "two" }');
    const code = `await snapshots.copyTo('two/node_modules', key), await snapshots.save('one/node_modules', key)`;
    expect(await asStranger(sandbox, cache, code)).toBe('false undefined');
    expect(readdirSync(sandbox.path('two'))).toEqual(['package-lock.json']);
    if (path !== 'pkg') expect(readdirSync(join(cache, 'snapshots'))).toEqual([key]);
  },
);

test.runIf(canActAsStranger)(
  `a read-only cache is used, and its damaged snapshot is ignored${onlyAsRoot}`,
  async () => {
    const { sandbox, cache, tree } = await createSnapshot();
    const code = (name: string): string =>
      `await snapshots.copyTo('${name}/node_modules', key), await snapshots.save('one/node_modules', '${'b'.repeat(40)}')`;
    for (const name of ['two', 'three']) {
      await mkdir(sandbox.path(name));
      await writeFile(sandbox.path(name, 'package-lock.json'), '{}');
    }
    await chmod(join(cache, 'snapshots', key), 0o500);
    await chmod(join(cache, 'snapshots'), 0o500);
    expect(await asStranger(sandbox, cache, code('two'))).toBe('true undefined');
    await writeFile(join(tree, 'pkg', 'index.js'), 'changed');
    expect(await asStranger(sandbox, cache, code('three'))).toBe('false undefined');
    expect(readdirSync(join(cache, 'snapshots'))).toEqual([key]);
    expect(readdirSync(sandbox.path('three'))).toEqual(['package-lock.json']);
  },
);

test('when the target cannot be written, copying a snapshot fails and the snapshot stays', async () => {
  const { sandbox, cache } = await createSnapshot();
  await writeFile(sandbox.path('two'), '');
  const copied = new Snapshots(cache).copyTo(sandbox.path('two', 'node_modules'), key);
  await expect(copied).rejects.toThrow(/ENOTDIR/);
  expect(readdirSync(join(cache, 'snapshots'))).toEqual([key]);
});

test('a snapshot that is a file or has no manifest is listed and cleaned like others', async () => {
  const { cache, tree } = await createSnapshot();
  await replaceByFile(join(cache, 'snapshots', key));
  await mkdir(join(tree, '..', '..', 'b'.repeat(40)));
  const snapshots = new Snapshots(cache);
  expect((await snapshots.list()).map(({ bytes }) => bytes)).toEqual([0, 0]);
  await snapshots.clean();
  expect(readdirSync(join(cache, 'snapshots'))).toEqual([]);
});

test('a cache that was restored from an archive or moved is used, unless it was damaged', async () => {
  const { sandbox, cache, copy } = await createSnapshot();
  await cp(cache, sandbox.path('restored'), { recursive: true, verbatimSymlinks: true });
  await rename(cache, sandbox.path('moved'));
  expect(await copy('two', sandbox.path('restored'))).toBeDefined();
  expect(await copy('three', sandbox.path('restored'))).toBeDefined();
  expect(await copy('four', sandbox.path('moved'))).toBeDefined();
  await cp(sandbox.path('moved'), sandbox.path('damaged'), { recursive: true, verbatimSymlinks: true });
  await writeFile(sandbox.path('damaged', 'snapshots', key, 'tree', 'pkg', 'index.js'), 'module.exports = 2;\n');
  expect(await copy('five', sandbox.path('damaged'))).toBeUndefined();
});

test('saving an existing snapshot again leaves it unchanged, and removes the files of a killed process', async () => {
  const { source, cache, copy } = await createSnapshot();
  const folder = join(cache, 'snapshots');
  const { pid, started, machine } = await ownIdentity();
  const leftover = join(folder, `.sessapp-staging-${pid}-${Number(started) + 1}-${machine}`);
  await mkdir(join(leftover, 'tree'), { recursive: true });
  const { ino } = statSync(join(folder, key));
  await new Snapshots(cache).save(source, key);
  expect(readdirSync(folder)).toEqual([key]);
  expect(statSync(join(folder, key)).ino).toBe(ino);
  expect(await copy('two')).toBeDefined();
});

test('saving a snapshot removes those that were not used for two months', async () => {
  const { source, cache } = await createSnapshot();
  const old = new Date(Date.now() - 61 * 24 * 60 * 60 * 1000);
  utimesSync(join(cache, 'snapshots', key, 'manifest.json'), old, old);
  await new Snapshots(cache).save(source, 'b'.repeat(40));
  expect(readdirSync(join(cache, 'snapshots'))).toEqual(['b'.repeat(40)]);
});

test('snapshots are in SESSAPP_CACHE_DIR, else in the XDG cache directory, else in the home directory', () => {
  const directoryFor = (env: NodeJS.ProcessEnv): string =>
    cacheDirectory({ env: { HOME: '/home/me', ...env }, cwd: '/here' });
  expect(directoryFor({ SESSAPP_CACHE_DIR: '/c', XDG_CACHE_HOME: '/x' })).toBe('/c');
  expect(directoryFor({ SESSAPP_CACHE_DIR: 'c' })).toBe('/here/c');
  expect(directoryFor({ XDG_CACHE_HOME: '/x' })).toBe('/x/sessapp');
  if (process.platform !== 'linux') return;
  expect(directoryFor({ XDG_CACHE_HOME: 'relative', SESSAPP_CACHE_DIR: '' })).toBe('/home/me/.cache/sessapp');
});

test('a cache that other users can write to is not used; a new cache is private', async () => {
  const sandbox = new Sandbox();
  expect(await refuseDirectory(sandbox.path('a', 'b'))).toBeUndefined();
  expect(statSync(sandbox.path('a', 'b')).mode & 0o777).toBe(0o700);
  chmodSync(sandbox.path('a', 'b'), 0o777);
  expect(await refuseDirectory(sandbox.path('a', 'b'))).toBe('other users can write to it');
  expect(await refuseDirectory('/dev/null/cache')).toBe('ENOTDIR');
  if (process.platform === 'linux') expect(await refuseDirectory('/proc/x/y')).toBe('it cannot be created');
});

test('init uses the snapshot of dependencies that were installed before, and needs no registry', async () => {
  const sandbox = new Sandbox();
  const unreachable = { npm_config_registry: 'http://127.0.0.1:9/', npm_config_cache: sandbox.path('npm') };
  for (const args of [['one'], ['two', '--offline'], ['three', '--no-install']]) {
    expect(await sandbox.sessapp(['init', ...args], { env: unreachable })).toMatchObject({ exitCode: 0 });
  }
  const installed = await sandbox.sessapp(['install', '-e', 'three'], { env: unreachable });
  expect(installed).toMatchObject({ exitCode: 0 });
  for (const name of ['one', 'two', 'three']) {
    const { stdout } = await sandbox.sessapp(['info', name, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ dependencies: 'ready' });
  }
});

test('npm reports no problem in a copy of a snapshot, and npm ci makes the same tree', async () => {
  const sandbox = new Sandbox();
  await sandbox.sessapp(['init', 'one']);
  const npm = (...args: string[]) => sandbox.sessapp(['run', '-e', 'one', '--', 'npm', ...args, '--prefix', 'one']);
  expect(await npm('ls', '--all')).toMatchObject({ exitCode: 0, stderr: expect.not.stringMatching(/ERR|extraneous/) });
  await cp(sandbox.path('one', 'node_modules'), sandbox.path('before'), { recursive: true, verbatimSymlinks: true });
  expect(await npm('ci', '--ignore-scripts')).toMatchObject({ exitCode: 0 });
  const diff = sandbox.spawn('diff', ['-r', 'before', join('one', 'node_modules')]);
  expect(await new Promise((resolve) => diff.on('close', resolve))).toBe(0);
});

test('cache info lists the snapshots, and cache clean removes them', async () => {
  const sandbox = new Sandbox();
  const env = { SESSAPP_CACHE_DIR: sandbox.path('cache') };
  const sessapp = async (...args: string[]) => JSON.parse((await sandbox.sessapp([...args, '--json'], { env })).stdout);
  await copySharedCache(sandbox.path('cache'));
  await chmod(sandbox.path('cache'), 0o700);
  const mine = sandbox.path('cache', 'mine');
  await writeFile(mine, '');
  const { bytes, snapshots } = await sessapp('cache', 'info');
  expect(snapshots.length).toBeGreaterThan(0);
  expect(bytes).toBeGreaterThan(1_000_000);
  expect((await sandbox.sessapp(['cache', 'info'], { env })).stdout).toContain(snapshots[0].key.slice(0, 8));
  expect(await sessapp('cache', 'clean')).toMatchObject({ status: 'cleaned', snapshots: snapshots.length, bytes });
  expect(await sessapp('cache', 'info')).toMatchObject({ bytes: 0, snapshots: [], refusal: null });
  expect(readdirSync(sandbox.path('cache', 'snapshots'))).toEqual([]);
  expect(statSync(mine).isFile()).toBe(true);

  await chmod(sandbox.path('cache'), 0o777);
  expect(await sessapp('cache', 'info')).toMatchObject({ refusal: 'other users can write to it', snapshots: [] });
  expect(await sessapp('cache', 'clean')).toMatchObject({ error: { code: 'cache-refused' } });
});

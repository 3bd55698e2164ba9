import { appendFile, chmod, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPage } from '../support/docs.ts';
import { readJson, sha256, snapshot } from '../support/files.ts';
import { copyBuild, type OtherBuild } from '../support/other-build.ts';
import { Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, request, serveInBackground } from '../support/server.ts';

const readme = 'dist/templates/environment/README.md';
const server = 'dist/templates/environment/server.js';

const page = openPage('docs/json.md', import.meta.filename);

/** A build with another README.md and another server.js. */
let build: OtherBuild;

beforeAll(async () => {
  build = await copyBuild(new Sandbox(afterAll));
  await build.edit(readme, (text) => `${text}\nNew.\n`);
  await build.edit(server, (text) => `${text}// new\n`);
});

/** Runs the other build's `upgrade` on `myenv`. */
async function upgrade(sandbox: Sandbox, ...args: string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await build.run(['upgrade', 'myenv', ...args, '--json'], sandbox.directory);
  if (exitCode !== 0) throw new Error(`${stdout}${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

const text = (...path: string[]): Promise<string> => readFile(join(...path), 'utf8');

test('upgrade replaces the carried package and the generated files that the user has not changed', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const envFile = await text(environment, '.env');
  const app = await text(environment, 'app.js');
  const { cookie } = await readJson(environment, 'sessapp.json');
  expect(await upgrade(sandbox)).toMatchObject({ status: 'upgraded', to: '9.9.9', kept: [], displaced: [] });
  expect((await readJson(environment, 'node_modules', 'sessapp', 'package.json')).version).toBe('9.9.9');
  expect(await text(environment, 'README.md')).toMatch(/\nNew\.\n$/);
  expect(await text(environment, 'server.js')).toMatch(/\/\/ new\n$/);
  expect([await text(environment, '.env'), await text(environment, 'app.js')]).toEqual([envFile, app]);
  expect((await readJson(environment, 'sessapp.json')).cookie).toBe(cookie);
  const carried = (await readdir(join(environment, '.sessapp'))).filter((name) => name.endsWith('.tgz'));
  expect(carried).toEqual([expect.stringMatching(/^sessapp-9\.9\.9-[0-9a-f]{8}\.tgz$/)]);
  expect(await readJson(environment, 'package.json')).toMatchObject({
    dependencies: { sessapp: `file:.sessapp/${carried[0]}` },
  });
  expect(await upgrade(sandbox)).toMatchObject({ status: 'unchanged' });
  const doctor = await build.run(['doctor', 'myenv'], sandbox.directory);
  expect(doctor.stdout).toMatch(/^0 problems/m);
});

test('a generated file that the user has changed stays, and the changes in the new version are shown', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await appendFile(join(environment, 'server.js'), '// mine\n');
  await appendFile(join(environment, 'bin', 'activate'), '# mine\n');
  const found = await upgrade(sandbox);
  expect(found.kept).toEqual(
    [
      { path: 'server.js', news: expect.stringMatching(/^-\/\/ mine\n\+\/\/ new$/m) },
      // The new version has no changes in this file.
      { path: 'bin/activate', news: null },
    ].sort((a, b) => (a.path > b.path ? -1 : 1)),
  );
  expect(await text(environment, 'server.js')).toMatch(/\/\/ mine\n$/);
  expect(await text(environment, 'bin', 'activate')).toMatch(/# mine\n$/);
});

test('docs/json.md shows exactly the fields of upgrade', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await appendFile(join(environment, 'README.md'), 'mine');
  const example = page.take('upgrade', 'json').code;
  const [printed, shown] = [await upgrade(sandbox, '--dry-run'), JSON.parse(example)];
  expect(Object.keys(printed)).toEqual(Object.keys(shown));
  expect(Object.keys((printed.kept as object[])[0] ?? {})).toEqual(Object.keys(shown.kept[0]));
});

test('--undo restores the state before the upgrade, and a second --undo the state after', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const own = async (): Promise<object> => {
    const files = Object.entries(await snapshot(environment));
    return Object.fromEntries(files.filter(([path]) => !path.startsWith('.sessapp/previous')));
  };
  const before = await own();
  await upgrade(sandbox);
  const after = await own();
  expect(await upgrade(sandbox, '--undo', '--dry-run')).toMatchObject({ status: 'planned' });
  expect(await own()).toEqual(after);
  expect(await upgrade(sandbox, '--undo')).toMatchObject({ status: 'undone', from: '9.9.9' });
  expect(await own()).toEqual(before);
  expect(await upgrade(sandbox, '--undo')).toMatchObject({ status: 'undone', to: '9.9.9' });
  expect(await own()).toEqual(after);
});

test('without an upgrade there is nothing to undo', async () => {
  const sandbox = new Sandbox();
  await copyEnvironment(sandbox);
  const { exitCode, stdout } = await sandbox.sessapp(['upgrade', 'myenv', '--undo', '--json']);
  expect([exitCode, JSON.parse(stdout).error.code]).toEqual([1, 'nothing-to-undo']);
});

test('an undo does not move the sessions to another store', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await upgrade(sandbox);
  const marker = await readJson(environment, 'sessapp.json');
  await writeFile(join(environment, 'sessapp.json'), JSON.stringify({ ...marker, store: 'redis' }));
  const { stdout } = await sandbox.sessapp(['upgrade', 'myenv', '--undo', '--json']);
  expect(JSON.parse(stdout).error).toMatchObject({
    code: 'store-moved',
    hint: expect.stringContaining('store migrate -e myenv embedded'),
  });
});

test('--dry-run changes nothing', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const before = await snapshot(environment);
  expect(await upgrade(sandbox, '--dry-run')).toMatchObject({
    status: 'planned',
    written: expect.arrayContaining(['README.md', 'package.json', 'package-lock.json', 'server.js', 'sessapp.json']),
    removed: [expect.stringMatching(/^\.sessapp\/sessapp-.*\.tgz$/)],
  });
  expect(await snapshot(environment)).toEqual(before);
});

test('the files of an application stay when its sessions have moved to another store', async () => {
  const sandbox = new Sandbox();
  await sandbox.sessapp(['init', 'shop', '--template', 'accounts', '--no-install']);
  const marker = await readJson(sandbox.path('shop'), 'sessapp.json');
  await writeFile(sandbox.path('shop', 'sessapp.json'), JSON.stringify({ ...marker, store: 'postgres' }));
  const { stdout } = await sandbox.sessapp(['upgrade', 'shop', '--dry-run', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ status: 'planned', written: expect.arrayContaining(['package.json']) });
  expect(stdout).not.toContain('"app/');
});

test('a generated file that is missing is written again', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const before = await text(environment, 'server.js');
  for (const path of ['server.js', 'bin/activate.fish']) await rm(join(environment, path));
  const { exitCode } = await sandbox.sessapp(['upgrade', 'myenv']);
  expect([exitCode, await text(environment, 'server.js')]).toEqual([0, before]);
});

test('a damaged carried package is written again', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const [name = ''] = await readdir(join(environment, '.sessapp'));
  const path = join(environment, '.sessapp', name);
  const before = await readFile(path);
  await rm(path);
  await writeFile(path, before.subarray(0, 1000));
  const { exitCode, stdout } = await sandbox.sessapp(['upgrade', 'myenv', '--json']);
  expect([exitCode, JSON.parse(stdout).written, JSON.parse(stdout).displaced]).toEqual([0, [`.sessapp/${name}`], []]);
  expect(await readFile(path)).toEqual(before);
});

test('a folder in the place of a file is an error that names it', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await rm(join(environment, 'README.md'));
  await mkdir(join(environment, 'README.md'));
  const { exitCode, stdout } = await sandbox.sessapp(['upgrade', 'myenv', '--json']);
  expect([exitCode, JSON.parse(stdout).error.code]).toEqual([1, 'file-conflict']);
});

test('upgrade is refused during a migration', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const marker = await readJson(environment, 'sessapp.json');
  const migration = { from: 'embedded', to: 'redis', phase: 'move' };
  await writeFile(join(environment, 'sessapp.json'), JSON.stringify({ ...marker, migration }));
  const { exitCode, stdout } = await sandbox.sessapp(['upgrade', 'myenv', '--json']);
  expect([exitCode, JSON.parse(stdout).error.code]).toEqual([1, 'migration-unfinished']);
});

test('nothing is written through a folder that is a link', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await rm(join(environment, 'bin'), { recursive: true });
  await mkdir(sandbox.path('elsewhere'));
  await symlink(sandbox.path('elsewhere'), join(environment, 'bin'));
  const { exitCode, stdout } = await sandbox.sessapp(['upgrade', 'myenv', '--json']);
  expect([exitCode, JSON.parse(stdout).error.code]).toEqual([1, 'folder-conflict']);
  expect(await readdir(sandbox.path('elsewhere'))).toEqual([]);
});

test('a package.json that is not JSON is an error that names it', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await writeFile(join(environment, 'package.json'), '{');
  const { exitCode, stdout } = await sandbox.sessapp(['upgrade', 'myenv', '--json']);
  expect([exitCode, JSON.parse(stdout).error.code]).toEqual([1, 'package-json-damaged']);
});

test('an upgrade that was killed while it replaced files is completed by the next command', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  const next = join(environment, '.sessapp', 'next');
  await mkdir(join(next, 'files'), { recursive: true });
  await writeFile(join(next, 'files', 'README.md'), 'from the upgrade');
  const swap = { version: '2', store: 'embedded', put: ['README.md'], remove: [], tree: false };
  await writeFile(join(next, 'swap.json'), JSON.stringify(swap));
  const { exitCode } = await sandbox.sessapp(['secret', 'list', '-e', 'myenv']);
  expect([exitCode, await text(environment, 'README.md')]).toEqual([0, 'from the upgrade']);
  expect(await readdir(join(environment, '.sessapp'))).not.toContain('next');
});

/** Changes an environment to the old form, in all points that an upgrade checks. */
async function makeOld(environment: string): Promise<void> {
  const marker = await readJson<{ files: Record<string, string> }>(environment, 'sessapp.json');
  const manifest = await readJson<{ dependencies: Record<string, string> }>(environment, 'package.json');
  const { sessapp: _, ...dependencies } = manifest.dependencies;
  const old = { helmet: '^8.3.0', pino: '^10.4.0', 'express-session': '^1.19.0' };
  const files: Record<string, string> = {
    'server.js': `import '../cli/commands/server/drain.js';\n`,
    'server/drain.js': 'export {};\n',
    'session/limits.js': 'export {};\n',
    'package.json': JSON.stringify({ ...manifest, dependencies: { ...dependencies, ...old } }),
  };
  await rm(join(environment, '.sessapp'), { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(environment, path, '..'), { recursive: true });
    await writeFile(join(environment, path), content);
  }
  const kept = Object.entries(marker.files).filter(([path]) => !path.startsWith('.sessapp/'));
  const hashes = Object.entries(files).map(([path, content]) => [path, sha256(content)]);
  const all = { ...Object.fromEntries(kept), ...Object.fromEntries(hashes) };
  await writeFile(join(environment, 'sessapp.json'), JSON.stringify({ ...marker, format: 1, files: all }));
  await chmod(join(environment, 'server.js'), 0o644);
}

test('commands on an environment of the old form say how to upgrade it', async () => {
  const sandbox = new Sandbox();
  await makeOld(await copyEnvironment(sandbox));
  const { exitCode, stdout } = await sandbox.sessapp(['serve', 'myenv', '--json']);
  expect([exitCode, JSON.parse(stdout).error]).toEqual([
    1,
    {
      code: 'environment-old',
      message: expect.stringContaining('copied its server into the environment'),
      hint: expect.stringContaining('npx sessapp upgrade'),
    },
  ]);
});

test('an environment of the old form is upgraded, and the upgrade can be undone', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  await makeOld(environment);
  await appendFile(join(environment, 'server', 'drain.js'), '// mine\n');
  const found = JSON.parse((await sandbox.sessapp(['upgrade', 'myenv', '--json'])).stdout);
  expect(found).toMatchObject({ status: 'upgraded', displaced: ['server/drain.js'] });
  expect(found.removed.sort()).toEqual(['server/drain.js', 'session/limits.js']);
  expect(await readdir(environment)).not.toContain('server');
  expect(Object.keys((await readJson<{ dependencies: object }>(environment, 'package.json')).dependencies)).toEqual([
    'express',
    'lmdb',
    'sessapp',
  ]);
  expect(await text(environment, '.sessapp/previous/former/files/server/drain.js')).toMatch(/\/\/ mine\n$/);
  const { url } = await serveInBackground(sandbox, environment);
  expect((await request(url)).status).toBe(200);
  await sandbox.sessapp(['stop', 'myenv']);
  await sandbox.sessapp(['upgrade', 'myenv', '--undo']);
  expect((await readJson(environment, 'sessapp.json')).format).toBe(1);
  expect(await text(environment, 'server/drain.js')).toMatch(/\/\/ mine\n$/);
});

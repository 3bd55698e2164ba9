import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJson } from '../support/files.ts';
import { collect } from '../support/output.ts';
import { cli, finish, type Result, repository, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment, waitFor } from '../support/server.ts';

const sandbox = new Sandbox(afterAll);
/** The other build prints a different text in `sessions stats`, and has a different version. */
const words = { this: 'without an owner', other: 'nobody’s, says the other' };
const otherVersion = '0.0.1';
const otherCli = sandbox.path('other', 'bin', 'sessapp.js');
let thisVersion: string;

type Build = 'this' | 'other';
const clis: Record<Build, string> = { this: cli, other: otherCli };

beforeAll(async () => {
  thisVersion = (await readJson<{ version: string }>(repository, 'package.json')).version;
  await copyEnvironment(sandbox, 'of-this');
  await makeOtherBuild();
  await finish(sandbox.spawn(process.execPath, [otherCli, 'init', 'of-other']));
});

async function makeOtherBuild(): Promise<void> {
  const target = sandbox.path('other');
  await mkdir(target);
  for (const name of ['bin', 'dist', 'LICENSE'])
    await cp(join(repository, name), join(target, name), { recursive: true });
  await symlink(join(repository, 'node_modules'), join(target, 'node_modules'));
  const manifest = await readJson(repository, 'package.json');
  await writeFile(join(target, 'package.json'), JSON.stringify({ ...manifest, version: otherVersion }));
  await writeFile(join(target, 'dist', 'build-id'), 'the other');
  let changed = 0;
  const names = await readdir(join(target, 'dist', 'cli'));
  for (const name of names.filter((each) => each.endsWith('.js'))) {
    const path = join(target, 'dist', 'cli', name);
    const text = await readFile(path, 'utf8');
    if (!text.includes(words.this)) continue;
    await writeFile(path, text.replaceAll(words.this, words.other));
    changed += 1;
  }
  if (changed === 0) throw new Error(`nothing in dist/cli says '${words.this}'`);
}

function run(build: Build, args: string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Promise<Result> {
  return finish(sandbox.spawn(process.execPath, [clis[build], ...args], options));
}

const pairs: [asked: Build, environment: string, runs: Build][] = [
  ['this', 'of-other', 'other'],
  ['other', 'of-this', 'this'],
  ['this', 'of-this', 'this'],
  ['other', 'of-other', 'other'],
];

test.each(pairs)(
  '%s build, started on the environment %s: the copy of %s runs the command',
  async (asked, name, runs) => {
    const { exitCode, stdout, stderr } = await run(asked, ['sessions', 'stats', '-e', name]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(words[runs]);
    const json = await run(asked, ['sessions', 'stats', '-e', name, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ sessions: 0 });
  },
);

test('the environment is found by -e, by SESSAPP_ENV and in the nearest parent directory', async () => {
  const directory = sandbox.path('of-other');
  for (const [args, options] of [
    [['-e', directory], {}],
    [[], { env: { SESSAPP_ENV: directory } }],
    [[], { cwd: join(directory, 'bin') }],
  ] as [string[], object][]) {
    expect((await run('this', ['sessions', 'stats', ...args], options)).stdout).toContain(words.other);
  }
});

test('the environment is found by the operand of a command that takes one', async () => {
  const child = sandbox.spawn(process.execPath, [cli, 'serve', 'of-other', '--port', '0', '--background', '--json']);
  const served = await finish(child);
  expect(served).toMatchObject({ exitCode: 0 });
  expect(await run('other', ['stop', 'of-other'])).toMatchObject({ exitCode: 0 });
});

test('usage errors and JSON errors are printed once, as by a single command', async () => {
  const usage = await run('this', ['sessions', 'stats', '-e', 'of-other', '--nonsense', '--json']);
  expect(usage.exitCode).toBe(2);
  expect(JSON.parse(usage.stdout).error.code).toBe('usage');
  const inside = await run('this', ['sessions', 'list', '-e', 'of-other', '--limit', 'x', '--json']);
  expect(inside.exitCode).toBe(2);
  expect(JSON.parse(inside.stdout).error.code).toBe('usage');
  const failed = await run('this', ['sessions', 'show', 'AAAAAAAAAAAA', '-e', 'of-other', '--json']);
  expect(failed).toMatchObject({ exitCode: 1, stderr: '' });
  expect(JSON.parse(failed.stdout)).toHaveProperty('error.code');
  const two = await run('this', ['serve', 'of-other', '-e', 'of-this', '--json']);
  expect(two.exitCode).toBe(2);
  expect(JSON.parse(two.stdout).error.code).toBe('usage');
});

// If the command were handed over, it would fail, because main.js of this copy throws.
test.each<[string[], number]>([
  [['info', 'of-broken'], 0],
  [['status', 'of-broken'], 1],
  [['doctor', 'of-broken'], 0],
  [['cache', 'info'], 0],
  [['init', 'fresh', '--no-install'], 0],
])('%j is never handed over', async (args, exitCode) => {
  await copyEnvironment(sandbox, 'of-broken');
  const main = join('of-broken', 'node_modules', 'sessapp', 'dist', 'cli', 'main.js');
  await replaceIn('of-broken', 'dist/build-id', 'a third');
  await replaceIn('of-broken', 'dist/cli/main.js', 'export const main = () => { throw new Error("it was"); };');
  const result = await run('this', args, { env: { SESSAPP_ENV: sandbox.path('of-broken') } });
  expect(result.stderr + result.stdout).not.toContain('it was');
  expect(result.exitCode).toBe(exitCode);
  const handed = await run('this', ['sessions', 'stats', '-e', 'of-broken']);
  expect(handed.stderr, main).toContain('it was');
  await rm(sandbox.path('of-broken'), { recursive: true });
});

async function replaceIn(environment: string, name: string, text: string): Promise<void> {
  const path = sandbox.path(environment, 'node_modules', 'sessapp', ...name.split('/'));
  // The file is hard-linked to other environments.
  await rm(path);
  await writeFile(path, text);
}

test('without installed packages the error has a remedy, and nothing is downloaded', async () => {
  await copyEnvironment(sandbox, 'bare');
  await rename(sandbox.path('bare', 'node_modules'), sandbox.path('taken'));
  const env = { npm_config_registry: 'http://127.0.0.1:1' };
  for (const build of ['this', 'other'] as const) {
    const { exitCode, stdout } = await run(build, ['sessions', 'stats', '-e', 'bare', '--json'], { env });
    expect({ exitCode, error: JSON.parse(stdout).error }).toEqual({
      exitCode: 1,
      error: {
        code: 'dependencies-missing',
        message: expect.stringContaining('not installed'),
        hint: expect.stringContaining('sessapp install -e bare'),
      },
    });
  }
  expect(await readdir(sandbox.path('bare'))).not.toContain('node_modules');
});

test('install repairs an own copy that lost its files', async () => {
  await copyEnvironment(sandbox, 'damaged');
  await rm(sandbox.path('damaged', 'node_modules', 'sessapp', 'dist', 'cli', 'main.js'));
  const installed = await run('other', ['install', '-e', 'damaged', '--json']);
  expect(installed).toMatchObject({ exitCode: 0 });
  expect((await run('other', ['sessions', 'stats', '-e', 'damaged'])).stdout).toContain(words.this);
});

test('--version prints both versions if they differ', async () => {
  const version = async (build: Build, options: object) => (await run(build, ['--version'], options)).stdout.trim();
  const both = `${thisVersion} (this environment: ${otherVersion})`;
  expect(await version('this', { cwd: sandbox.path('of-other', 'bin') })).toBe(both);
  expect(await version('this', { env: { SESSAPP_ENV: sandbox.path('of-other') } })).toBe(both);
  expect(await version('other', { cwd: sandbox.path('of-other') })).toBe(otherVersion);
  expect(await version('this', { cwd: sandbox.directory })).toBe(thisVersion);
  expect(await version('this', { env: { SESSAPP_ENV: '/nowhere' } })).toBe(thisVersion);
});

test('commands run with the environment’s own Node.js of another version keep their exit codes and signals', async () => {
  const made = await run('other', ['init', 'own', '--node', '22', '--json']);
  expect(made).toMatchObject({ exitCode: 0 });
  const { node } = JSON.parse(made.stdout) as { node: string };
  const tell = `data:text/javascript,console.error(process.version)`;
  const stats = await run('this', ['sessions', 'stats', '-e', 'own'], { env: { NODE_OPTIONS: `--import=${tell}` } });
  expect(stats).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(words.other) });
  expect(stats.stderr.split('\n').slice(0, 2)).toEqual([process.version, `v${node}`]);
  const usage = await run('this', ['sessions', 'list', '-e', 'own', '--limit', 'x', '--json']);
  expect(usage).toMatchObject({ exitCode: 2, stderr: '' });
  expect(JSON.parse(usage.stdout).error.code).toBe('usage');
  const script = 'process.on("SIGTERM", () => process.exit(7)); console.log("ready"); setInterval(() => {}, 1000)';
  const child = sandbox.spawn(process.execPath, [cli, 'run', '-e', 'own', '--', 'node', '-e', script]);
  const { stdout, ended } = collect(child);
  await waitFor(() => stdout().includes('ready'));
  child.kill('SIGTERM');
  expect(await ended).toEqual([7, null]);
  await rm(sandbox.path('own', 'bin', 'node'));
  const missing = await run('this', ['sessions', 'stats', '-e', 'own', '--json']);
  expect(missing.exitCode).toBe(1);
  expect(JSON.parse(missing.stdout).error).toMatchObject({
    code: 'node-missing',
    hint: expect.stringContaining('install'),
  });
});

import { copyFile, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownIdentity } from '../../../src/cli/environment/lock.ts';
import { readJson, sha256, snapshot } from '../../support/files.ts';
import { invoke } from '../../support/in-process.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment } from '../../support/server.ts';

/** Runs `init --allow-existing` on a directory with these files. */
async function fill(files: Record<string, string>, ...options: string[]) {
  const sandbox = new Sandbox();
  await mkdir(sandbox.path('t'));
  for (const [name, content] of Object.entries(files)) await writeFile(sandbox.path('t', name), content);
  const before = await snapshot(sandbox.path('t'));
  const result = await invoke(sandbox.directory, ['init', 't', '--allow-existing', '--json', ...options]);
  return { sandbox, before, result, after: await snapshot(sandbox.path('t')), data: JSON.parse(result.stdout) };
}

test('existing files stay unchanged, byte for byte, and missing files are added', async () => {
  const files = { 'README.md': 'mine', 'notes.txt': 'mine too', 'app.js': 'export function routes() {}' };
  const { sandbox, before, after, data } = await fill(files, '--no-install');
  expect(after).toMatchObject(before);
  expect(data.plan.kept).toEqual(['README.md', 'app.js']);
  const marker = await readJson<{ files: Record<string, string> }>(sandbox.path('t', 'sessapp.json'));
  expect(Object.keys(marker.files)).not.toEqual(expect.arrayContaining(['README.md']));
  for (const [path, hash] of Object.entries(marker.files)) {
    expect(sha256(await readFile(sandbox.path('t', path)))).toBe(hash);
  }
  expect(Object.keys(after)).toEqual(expect.arrayContaining(['server.js', '.env', 'package.json', 'bin/activate']));
});

test.each([
  ['node_modules\n.env\ndata/\n', []],
  ['/node_modules/\n/.env*\n**/data\n', []],
  ['*\n', []],
  ['node_modules\n', ['.env', 'data']],
  ['.env\ndata\nnode_modules\n!.env\n', ['.env']],
  ['# .env\n.environment\ndata.txt\n', ['.env', 'data', 'node_modules']],
])('an existing .gitignore that does not cover private files is a warning: %j', async (content, open) => {
  const { data, result } = await fill({ '.gitignore': content }, '--no-install');
  const warning = `.gitignore stays unchanged, and does not cover ${open.join(', ')}. Add ${open.length === 1 ? 'it' : 'them'}.`;
  expect(data.plan.warnings).toEqual(open.length === 0 ? [] : [warning]);
  expect(result.stderr).toBe(open.length === 0 ? '' : `warning: ${warning}\n`);
});

test.each([
  ['SESSION_SECRET=abc\n', 0],
  ['export SESSION_SECRET="abc"\n', 0],
  ['PORT=1\n', 1],
  ['SESSION_SECRET=\n', 1],
  ['#SESSION_SECRET=abc\n', 1],
])('an existing .env without a secret is a warning: %j', async (content, warnings) => {
  const { data, after, before } = await fill({ '.env': content }, '--no-install');
  expect(data.plan.warnings).toHaveLength(warnings);
  if (warnings > 0) expect(data.plan.warnings[0]).toContain('.env stays unchanged, and has no SESSION_SECRET');
  expect(after['.env']).toBe(before['.env']);
});

test.each([
  [
    { type: 'module', dependencies: {} },
    'all packages that an environment needs',
    /npm pkg set dependencies\.express=\S+ dependencies\.lmdb=\S+ dependencies\.sessapp=file:\.sessapp\/\S+\.tgz;/,
  ],
  [{ dependencies: 'all' }, '"type": "module"', /npm pkg set type=module/],
])(
  'a package.json that lacks required entries is refused, with a command that adds them',
  async (manifest, fact, hint) => {
    const dependencies = manifest.dependencies === 'all' ? await ourDependencies() : {};
    const { sandbox, data, result, before, after } = await fill({
      'package.json': JSON.stringify({ ...manifest, dependencies }),
    });
    expect(result.exitCode).toBe(1);
    expect(data.error).toMatchObject({ code: 'package-json-conflict' });
    expect(data.error.message).toBe(`${sandbox.path('t', 'package.json')} already exists, but does not have ${fact}.`);
    expect(data.error.hint).toMatch(hint);
    expect(after).toEqual(before);
  },
);

async function ourDependencies(): Promise<Record<string, string>> {
  const sandbox = new Sandbox();
  await invoke(sandbox.directory, ['init', 'other', '--no-install']);
  return (await readJson<{ dependencies: Record<string, string> }>(sandbox.path('other', 'package.json'))).dependencies;
}

test.each(['bin', '.sessapp'])('a file %s in place of a directory is reported, and nothing changes', async (name) => {
  const { data, after, before } = await fill({ [name]: 'mine' }, '--no-install');
  expect(data.error).toMatchObject({
    code: 'folder-conflict',
    message: expect.stringContaining(`/t/${name} is not a directory`),
  });
  expect(after).toEqual(before);
});

test.each<[what: string, arrange: (sandbox: Sandbox) => Promise<unknown>, code: string, path: string]>([
  ['a broken link in place of a folder', (s) => symlink('nowhere', s.path('t', 'bin')), 'folder-conflict', 'bin'],
  ['a folder that is a link', (s) => symlink(s.path('else'), s.path('t', '.sessapp')), 'folder-conflict', '.sessapp'],
  ['an .env that is a folder', (s) => mkdir(s.path('t', '.env')), 'file-conflict', '.env'],
  ['a package.json that is a folder', (s) => mkdir(s.path('t', 'package.json')), 'file-conflict', 'package.json'],
  ['an .env that is a broken link', (s) => symlink('nowhere', s.path('t', '.env')), 'file-conflict', '.env'],
  [
    'a .gitignore that is a broken link',
    (s) => symlink('no', s.path('t', '.gitignore')),
    'file-conflict',
    '.gitignore',
  ],
  ['an app.js that is a link to itself', (s) => symlink('app.js', s.path('t', 'app.js')), 'file-conflict', 'app.js'],
  ['a package.json with null', (s) => writePackageJson(s, 'null'), 'package-json-conflict', 'package.json'],
  ['an empty package.json', (s) => writePackageJson(s, ''), 'package-json-conflict', 'package.json'],
  ['a package.json with a string', (s) => writePackageJson(s, '"text"'), 'package-json-conflict', 'package.json'],
])('%s is reported with a remedy, and nothing changes', async (_, arrange, code, path) => {
  const sandbox = new Sandbox();
  await mkdir(sandbox.path('t'));
  await mkdir(sandbox.path('else'));
  await arrange(sandbox);
  const before = await snapshot(sandbox.directory);
  for (const option of ['--no-install', '--dry-run']) {
    const { exitCode, stdout } = await invoke(sandbox.directory, ['init', 't', '--allow-existing', '--json', option]);
    const { error } = JSON.parse(stdout);
    expect({ exitCode, code: error.code }).toEqual({ exitCode: 1, code });
    expect(error.message).toContain(`${sandbox.path('t', path)} `);
    expect(error.message).toMatch(/ (is a link|is not a directory|is not a file|already exists), but /);
    expect(error.hint).toMatch(/another directory/);
  }
  expect(await snapshot(sandbox.directory)).toEqual(before);
});

async function writePackageJson(sandbox: Sandbox, content: string): Promise<void> {
  await writeFile(sandbox.path('t', 'package.json'), content);
}

test('init restores a lost marker with the hashes of the existing files', async () => {
  const sandbox = new Sandbox();
  await invoke(sandbox.directory, ['init', 't', '--no-install']);
  await writeFile(sandbox.path('t', 'app.js'), 'export function routes() {}\n');
  const before = await readJson<{ files: Record<string, string> }>(sandbox.path('t', 'sessapp.json'));
  await rm(sandbox.path('t', 'sessapp.json'));
  await invoke(sandbox.directory, ['init', 't', '--allow-existing', '--no-install']);
  const { 'app.js': _, ...files } = before.files;
  expect(await readJson(sandbox.path('t', 'sessapp.json'))).toEqual({ ...before, files });
});

test('init restores a lost marker and lost packages', async () => {
  const sandbox = new Sandbox();
  const environment = await copyEnvironment(sandbox);
  for (const name of ['sessapp.json', 'node_modules']) await rm(join(environment, name), { recursive: true });
  const again = await invoke(sandbox.directory, ['init', 'myenv', '--allow-existing', '--offline', '--json'], {
    SESSAPP_CACHE_DIR: process.env.SESSAPP_CACHE_DIR,
  });
  expect(again).toMatchObject({ exitCode: 0, stderr: '' });
  const info = await sandbox.sessapp(['info', 'myenv', '--json']);
  expect(JSON.parse(info.stdout)).toMatchObject({ dependencies: 'ready' });
});

test.each([
  ['sessapp.json', '{"format":2,'],
  ['sessapp.json', ''],
  ['.sessapp-moves', '["node_mod'],
])('after an init was killed while it wrote %s (%j), the next init succeeds', async (name, text) => {
  const sandbox = new Sandbox();
  const { pid, started, machine } = await ownIdentity();
  const leftover = sandbox.path('t', `.sessapp-staging-${pid}-${Number(started) + 1}-${machine}`);
  await mkdir(leftover, { recursive: true });
  await writeFile(join(leftover, name), text);
  await writeFile(sandbox.path('t', 'mine.txt'), 'mine');
  const args = ['init', 't', '--allow-existing', '--no-install', '--json'];
  const { exitCode, stdout } = await invoke(sandbox.directory, args);
  expect([exitCode, JSON.parse(stdout).status]).toEqual([0, 'created']);
  expect((await readdir(sandbox.path('t'))).filter((entry) => entry.startsWith('.sessapp-'))).toEqual([]);
  expect(await readFile(sandbox.path('t', 'mine.txt'), 'utf8')).toBe('mine');
});

test.each([
  ['in a renamed environment', 'shop', async () => undefined],
  [
    'after a damaged one was moved aside',
    'myenv',
    async (marker: string) => writeFile(`${marker}.damaged`, await cutOff(marker)),
  ],
  [
    'after an upgrade',
    'myenv',
    async (marker: string) => {
      const former = join(marker, '..', '.sessapp', 'previous', 'former', 'files');
      await mkdir(former, { recursive: true });
      await copyFile(marker, join(former, 'sessapp.json'));
    },
  ],
])(
  'a sessapp.json that is written again %s keeps the name of the cookie (%s), or says that it may not',
  async (_, name, keep) => {
    const sandbox = new Sandbox();
    const before = await copyEnvironment(sandbox);
    const { cookie } = await readJson<{ cookie: string }>(join(before, 'sessapp.json'));
    const environment = sandbox.path(name);
    await keep(join(before, 'sessapp.json'));
    // A server has run here, so browsers may have its cookie.
    await mkdir(join(before, 'data'), { mode: 0o700 });
    if (environment !== before) await rename(before, environment);
    await rm(join(environment, 'sessapp.json'));
    const { stderr, exitCode } = await invoke(sandbox.directory, ['init', name, '--allow-existing', '--no-install']);
    expect(exitCode, stderr).toBe(0);
    const now = (await readJson<{ cookie: string }>(join(environment, 'sessapp.json'))).cookie;
    const warning = `warning: The session cookie gets the name ${now}.`;
    expect([now === cookie, stderr.includes(warning)]).toEqual(name === 'myenv' ? [true, false] : [false, true]);
  },
);

async function cutOff(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).slice(0, -20);
}

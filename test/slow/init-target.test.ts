import { chmod, chown, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { ownIdentity } from '../../src/cli/environment/lock.ts';
import { readJson, snapshot } from '../support/files.ts';
import { invoke } from '../support/in-process.ts';
import { canActAsStranger, mountable, mountDisk, onlyAsRoot, onlyWithMount, stranger } from '../support/privileges.ts';
import { cli, finish, type Result, Sandbox } from '../support/sandbox.ts';

/** Expects one line with the fact and one with the remedy. */
function expectRefusal(result: Omit<Result, 'signal'>, code: string, fact: string): void {
  const { error } = JSON.parse(result.stdout) as { error: { code: string; message: string; hint: string } };
  expect({ exitCode: result.exitCode, code: error.code }).toEqual({ exitCode: 1, code });
  expect(error.message).toContain(fact);
  expect(error.message).not.toContain('\n');
  expect(error.hint).toMatch(/\w/);
}

test('init creates a missing target and its missing parents', async () => {
  const sandbox = new Sandbox();
  const result = await sandbox.sessapp(['init', 'a/b/myenv', '--no-install', '--json']);
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(result.stdout)).toMatchObject({ status: 'created', directory: sandbox.path('a', 'b', 'myenv') });
  expect((await readdir(sandbox.path('a', 'b', 'myenv'))).sort()).toEqual(
    `.env .env.example .gitattributes .gitignore .sessapp README.md app.js bin package-lock.json package.json pages.js public server.js sessapp.json`.split(
      ' ',
    ),
  );
  expect((await stat(sandbox.path('a', 'b', 'myenv', '.env'))).mode & 0o777).toBe(0o600);
  expect(await readdir(sandbox.path('a', 'b'))).toEqual(['myenv']);
});

test('init fills an empty directory in place, so that it stays the working directory of a shell', async () => {
  const sandbox = new Sandbox();
  await mkdir(sandbox.path('here'));
  const { ino } = await stat(sandbox.path('here'));
  const script = '"$1" "$2" init . --no-install >&2 && ls package.json && pwd -P';
  const shell = sandbox.spawn('sh', ['-c', script, 'sh', process.execPath, cli], { cwd: sandbox.path('here') });
  expect(await finish(shell)).toMatchObject({ exitCode: 0, stdout: `package.json\n${sandbox.path('here')}\n` });
  expect((await stat(sandbox.path('here'))).ino).toBe(ino);
  expect((await readdir(sandbox.path('here'))).filter((name) => name.startsWith('.sessapp-'))).toEqual([]);
});

test('for a link to an empty directory, the environment is made in its target', async () => {
  const sandbox = new Sandbox();
  await mkdir(sandbox.path('real'));
  await symlink('real', sandbox.path('link'));
  const result = await invoke(sandbox.directory, ['init', 'link', '--no-install', '--json']);
  expect(JSON.parse(result.stdout)).toMatchObject({ status: 'created', directory: sandbox.path('real') });
  expect(await readJson(sandbox.path('real', 'sessapp.json'))).toMatchObject({ format: 2 });
  expect((await readdir(sandbox.directory)).sort()).toEqual(['link', 'real']);
});

test('the same command again changes nothing, and reports that', async () => {
  const sandbox = new Sandbox();
  const options = ['--template', 'minimal', '--store', 'embedded', '--prompt', 'shop', '--no-install'];
  await invoke(sandbox.directory, ['init', 'myenv', ...options]);
  const before = await snapshot(sandbox.directory);
  const again = await invoke(sandbox.directory, ['init', 'myenv', ...options]);
  expect(again).toMatchObject({
    exitCode: 0,
    stdout: 'shop is already an environment; nothing changed.\n',
    stderr: '',
  });
  const json = await invoke(sandbox.directory, ['init', 'myenv', '--json']);
  expect(JSON.parse(json.stdout)).toEqual({
    version: 1,
    status: 'unchanged',
    directory: sandbox.path('myenv'),
    template: 'minimal',
    store: 'embedded',
    language: 'javascript',
    node: null,
  });
  expect(await snapshot(sandbox.directory)).toEqual(before);
});

test.each([
  [['--prompt', 'other'], 'the default prompt'],
  [['--typescript'], 'JavaScript'],
  [['--node', '24'], 'no Node.js of its own'],
])('options that differ from the existing environment are refused: %j', async (options, difference) => {
  const sandbox = new Sandbox();
  await invoke(sandbox.directory, ['init', 'myenv', '--no-install']);
  const before = await snapshot(sandbox.directory);
  const result = await invoke(sandbox.directory, ['init', 'myenv', '--json', ...options]);
  expectRefusal(result, 'exists', `is already an environment, with ${difference}.`);
  expect(await snapshot(sandbox.directory)).toEqual(before);
});

test.each<[what: string, arrange: (sandbox: Sandbox) => Promise<unknown>, code: string, fact: string, target?: string]>(
  [
    ['a file', (s) => writeFile(s.path('t'), 'mine'), 'target-not-a-directory', '/t is a file.'],
    ['inside a file', (s) => writeFile(s.path('t'), 'mine'), 'target-not-a-directory', '/t is a file.', 't/myenv'],
    ['a broken link', (s) => symlink('nowhere', s.path('t')), 'target-not-a-directory', 'does not exist'],
    ['below a broken link', (s) => symlink('nowhere', s.path('t')), 'target-not-a-directory', 'does not exist', 't/e'],
    ['a link to itself', (s) => symlink('t', s.path('t')), 'target-not-a-directory', '/t is a link to itself.'],
    ['a link to a file', (s) => symlink(cli, s.path('t')), 'target-not-a-directory', '/t is a file.'],
    ['inside an environment', (s) => mark(s, 'outer'), 'target-inside-environment', '/outer.', 'outer/deep/er'],
    [
      'an empty directory in an environment',
      (s) => mark(s, 'outer'),
      'target-inside-environment',
      '/outer.',
      'outer/empty',
    ],
    ['the root', async () => undefined, 'target-refused', 'the root of the file system', '/'],
    ['an environment of sessapp 0.1', (s) => age(s), 'environment-old', 'which copied its server into the environment'],
    ['a damaged marker', (s) => damage(s), 'marker-damaged', 'sessapp.json is not what sessapp wrote'],
    [
      'a marker that is a broken link',
      (s) => lead(s),
      'marker-damaged',
      'it is a link to something that does not exist',
    ],
    [
      'a directory with files',
      (s) => mess(s),
      'target-not-empty',
      't contains files: .hidden, a, b, c\\nd and 2 more.',
    ],
  ],
)('a target that is %s is refused, and nothing is left', async (_, arrange, code, fact, target = 't') => {
  const sandbox = new Sandbox();
  await arrange(sandbox);
  const before = await snapshot(sandbox.directory);
  expectRefusal(await invoke(sandbox.directory, ['init', target, '--no-install', '--json']), code, fact);
  expect(await snapshot(sandbox.directory)).toEqual(before);
});

async function mark(sandbox: Sandbox, name: string): Promise<void> {
  await invoke(sandbox.directory, ['init', name, '--no-install']);
  await mkdir(sandbox.path(name, 'empty'));
}

async function damage(sandbox: Sandbox): Promise<void> {
  await writeMarker(sandbox, { format: 2, files: { '../victim': 'x' } });
}

async function age(sandbox: Sandbox): Promise<void> {
  await writeMarker(sandbox, { format: 1, sessapp: '0.1.0', files: { 'server/main.js': 'x' } });
}

async function writeMarker(sandbox: Sandbox, fields: object): Promise<void> {
  await mkdir(sandbox.path('t'));
  const marker = { template: 'minimal', store: 'embedded', language: 'javascript', cookie: 'c', ...fields };
  await writeFile(sandbox.path('t', 'sessapp.json'), JSON.stringify(marker));
}

async function lead(sandbox: Sandbox): Promise<void> {
  await mkdir(sandbox.path('t'));
  await symlink('/nowhere', sandbox.path('t', 'sessapp.json'));
}

test.each(['--dry-run', '--allow-existing'])('a marker that is a broken link is refused with %s', async (option) => {
  const sandbox = new Sandbox();
  await lead(sandbox);
  const result = await invoke(sandbox.directory, ['init', 't', '--no-install', '--json', option]);
  expectRefusal(result, 'marker-damaged', 'it is a link to something that does not exist');
});

async function mess(sandbox: Sandbox): Promise<void> {
  await mkdir(sandbox.path('t'));
  for (const name of ['a', 'b', 'c\nd', 'e', 'f', '.hidden']) await writeFile(sandbox.path('t', name), name);
}

test.each(['', '/', '/.'])('the home directory is refused, even if HOME ends with "%s"', async (ending) => {
  const sandbox = new Sandbox();
  await mkdir(sandbox.path('home'));
  await symlink('home', sandbox.path('link'));
  const env = { HOME: `${sandbox.path('home')}${ending}` };
  for (const target of ['home', 'link']) {
    const result = await sandbox.sessapp(['init', target, '--no-install', '--json'], { env });
    expectRefusal(result, 'target-refused', 'is your home directory');
  }
  expect(await readdir(sandbox.path('home'))).toEqual([]);
});

test.runIf(canActAsStranger)(
  `a directory that this user cannot write to is refused, and so are its subdirectories${onlyAsRoot}`,
  async () => {
    const sandbox = new Sandbox();
    await chmod(sandbox.directory, 0o755);
    await mkdir(sandbox.path('closed'));
    for (const target of ['closed', 'closed/myenv', 'closed/a/myenv', 'myenv']) {
      const result = await sandbox.sessapp(['init', target, '--no-install', '--json'], {
        ...stranger,
        env: { HOME: '/' },
      });
      expectRefusal(result, 'permission-denied', 'This user cannot write to');
    }
    expect(Object.keys(await snapshot(sandbox.directory))).toEqual(['closed']);
  },
);

test.runIf(canActAsStranger)(
  `init fills the user’s own empty directory, even if its parent is not writable${onlyAsRoot}`,
  async () => {
    const sandbox = new Sandbox();
    await chmod(sandbox.directory, 0o755);
    await mkdir(sandbox.path('mine'));
    await chown(sandbox.path('mine'), stranger.uid, stranger.gid);
    const result = await sandbox.sessapp(['init', 'mine', '--no-install', '--json'], {
      ...stranger,
      env: { HOME: '/' },
    });
    expect(JSON.parse(result.stdout)).toMatchObject({ status: 'created' });
    expect((await readdir(sandbox.directory)).sort()).toEqual(['mine']);
  },
);

test.runIf(canActAsStranger)(
  `a staging directory that another user left in a shared directory stays, and blocks nobody${onlyAsRoot}`,
  async () => {
    const sandbox = new Sandbox();
    await chmod(sandbox.directory, 0o1777);
    const { pid, started, machine } = await ownIdentity();
    const leftover = `.sessapp-staging-${pid}-${Number(started) + 1}-${machine}`;
    await mkdir(sandbox.path(leftover, 'full'), { recursive: true });
    const result = await sandbox.sessapp(['init', 'myenv', '--no-install', '--json'], {
      ...stranger,
      env: { HOME: '/' },
    });
    expect(JSON.parse(result.stdout)).toMatchObject({ status: 'created' });
    expect((await readdir(sandbox.directory)).sort()).toEqual([leftover, 'myenv']);
  },
);

test.runIf(process.platform === 'linux')('where no directory can be created, init fails with the reason', async () => {
  const sandbox = new Sandbox();
  for (const target of ['/proc/myenv', '/proc/a/b']) {
    const result = await sandbox.sessapp(['init', target, '--no-install', '--json'], { timeout: 20_000 });
    expect(JSON.parse(result.stdout).error).toMatchObject({
      code: 'target-refused',
      message: expect.stringMatching(/ in \/proc\.$/),
    });
  }
});

// Each disk is full at another step: while files are written, while npm installs, or while a snapshot is copied.
test.runIf(mountable).each([
  ['8k', ['--no-install'], {}, 'disk-full', 'The disk is full'],
  ['4m', [], { SESSAPP_CACHE_DIR: '/dev/null/none' }, 'npm-failed', 'ENOSPC'],
  ['4m', [], {}, 'disk-full', '/disk/.'],
])(
  `on a full disk of %s, init %j with %j prints one clear reason, and leaves nothing${onlyWithMount}`,
  async (size, options, env, code, fact) => {
    const sandbox = new Sandbox();
    const disk = sandbox.path('disk');
    await mountDisk(disk, size);
    const result = await sandbox.sessapp(['init', `${disk}/myenv`, '--json', ...options], { env });
    const { error } = JSON.parse(result.stdout) as { error: { code: string; message: string; hint: string } };
    expect({ exitCode: result.exitCode, code: error.code }).toEqual({ exitCode: 1, code });
    expect(error.message).toContain(fact);
    expect(error.message.split('\n').length).toBeLessThanOrEqual(5);
    expect(error.hint).toMatch(/free some space/i);
    expect(await readdir(disk)).toEqual([]);
  },
);

test.runIf(mountable)(
  `a directory with a subfolder on another file system is refused, and nothing changes${onlyWithMount}`,
  async () => {
    const sandbox = new Sandbox();
    await mkdir(sandbox.path('t', 'bin'), { recursive: true });
    await mountDisk(sandbox.path('t', 'bin'), '1m');
    const before = await snapshot(sandbox.directory);
    const result = await invoke(sandbox.directory, ['init', 't', '--no-install', '--json', '--allow-existing']);
    expectRefusal(result, 'other-file-system', `${sandbox.path('t', 'bin')}/`);
    expect(await snapshot(sandbox.directory)).toEqual(before);
  },
);

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { acquireLock, releaseLock } from '../../../src/cli/environment/lock.ts';
import { invoke } from '../../support/in-process.ts';
import {
  canActAsStranger,
  mountable,
  mountDisk,
  onlyAsRoot,
  onlyWithMount,
  stranger,
} from '../../support/privileges.ts';
import { finish, Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment, request, serve } from '../../support/server.ts';
import { onTerminal, withoutTerminal } from '../../support/terminal.ts';

/** An environment without packages, which is all that most of these tests need. */
async function makeEnvironment(sandbox: Sandbox, name = 'myenv', ...options: string[]): Promise<string> {
  const { exitCode, stderr } = await invoke(sandbox.directory, ['init', '--no-install', ...options, '--', name]);
  if (exitCode !== 0) throw new Error(stderr);
  return sandbox.path(name);
}

const remove = (cwd: string, args: string[], env: NodeJS.ProcessEnv = {}) => invoke(cwd, ['remove', ...args], env);

async function expectRefusal(cwd: string, args: string[], code: string, message: RegExp): Promise<void> {
  const text = await remove(cwd, args);
  expect(text).toMatchObject({ exitCode: 1, stdout: '' });
  expect(text.stderr).toMatch(message);
  expect(JSON.parse((await remove(cwd, [...args, '--json'])).stdout).error.code).toBe(code);
}

test('remove --yes removes an environment, and nothing beside it', async () => {
  const sandbox = new Sandbox();
  await makeEnvironment(sandbox);
  await writeFile(sandbox.path('other.txt'), 'stays');
  expect(await remove(sandbox.directory, ['myenv', '--yes'])).toEqual({
    exitCode: 0,
    stdout: 'Removed myenv.\n',
    stderr: expect.stringContaining('Removing'),
  });
  expect(await readdir(sandbox.directory)).toEqual(['other.txt']);
  const list = await invoke(sandbox.directory, ['list', '--json']);
  expect(list.stdout).not.toContain(sandbox.directory);
});

test('--dry-run says what would be deleted, and removes nothing', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox);
  await writeFile(join(directory, 'app.js'), 'changed');
  await mkdir(join(directory, 'notes'));
  for (let n = 0; n < 7; n += 1) await writeFile(join(directory, 'notes', `${n}.txt`), 'mine');
  await mkdir(join(directory, '.git'));
  const { exitCode, stdout, stderr } = await remove(sandbox.directory, ['myenv', '--dry-run']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^.*\/myenv has \d+ files\. Removing it deletes:\n/);
  expect(stdout).toContain(
    '\n  8 files that you added or changed: app.js, notes/0.txt, notes/1.txt, notes/2.txt, notes/3.txt and 3 more\n',
  );
  expect(stdout).toContain('\n  its git repository, with commits that may exist nowhere else\n');
  expect(stdout).toContain('\n  .env with its secret: ');
  expect(await readFile(join(directory, 'app.js'), 'utf8')).toBe('changed');
});

test('a new environment has no files that the user added or changed', async () => {
  const sandbox = new Sandbox();
  await copyEnvironment(sandbox);
  const { stdout } = await remove(sandbox.directory, ['myenv', '--dry-run', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ changed: [], sessions: null, repository: false, store: 'embedded' });
});

test('remove counts the sessions of the embedded store; sessions in another store stay, and the command to end them is printed', async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const { url, child } = await serve(sandbox, directory);
  for (let n = 0; n < 3; n += 1) await request(url);
  await expectRefusal(
    sandbox.directory,
    ['myenv', '--yes'],
    'already-running',
    /^error: The server of .*\/myenv runs at http:\/\/localhost:\d+\.\nStop it first: sessapp stop myenv\n$/,
  );
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('close', resolve));
  const embedded = await remove(sandbox.directory, ['myenv', '--dry-run']);
  expect(embedded.stdout).toContain('\n  3 sessions in its embedded store\n');
  await makeEnvironment(sandbox, 'shop', '--store', 'redis');
  const redis = await remove(sandbox.directory, ['shop', '--dry-run']);
  expect(redis.stdout).toMatch(
    /\nIts sessions in Redis stay there\. To end them, first type: sessapp sessions destroy -e shop --all\n$/,
  );
});

test('data that is a link stays, also while another environment serves it', async () => {
  const sandbox = new Sandbox();
  await mkdir(sandbox.path('shared'), { mode: 0o700 });
  for (const name of ['myenv', 'release'])
    await symlink('../shared', join(await copyEnvironment(sandbox, name), 'data'));
  await serve(sandbox, sandbox.path('release'));
  await expectRefusal(sandbox.directory, ['release', '--yes'], 'already-running', /Stop it first/);
  const plan = await remove(sandbox.directory, ['myenv', '--dry-run']);
  expect(plan.stdout).toContain('data is a link: the folder that it leads to stays.');
  expect(await remove(sandbox.directory, ['myenv', '--yes'])).toMatchObject({ exitCode: 0 });
  expect((await readdir(sandbox.directory)).sort()).toEqual(['release', 'shared']);
  expect(await readdir(sandbox.path('shared'))).toContain('server.json');
});

test.each([
  ['nowhere', 1, 'nowhere does not exist.'],
  ['.', 1, 'You are in'],
  ['', 2, 'The name of the environment is empty.'],
])('without --yes and without a terminal, remove %j says why nothing can be removed', async (name, exitCode, fact) => {
  const result = await remove(new Sandbox().directory, [name]);
  expect(result.exitCode).toBe(exitCode);
  expect(result.stderr).toContain(fact);
  expect(result.stderr).not.toContain('--yes');
});

test('a path that is not an environment is refused', async () => {
  const sandbox = new Sandbox();
  await mkdir(sandbox.path('project'));
  await writeFile(sandbox.path('file'), 'text');
  await makeEnvironment(sandbox);
  await symlink('myenv', sandbox.path('link'));
  await writeFile(sandbox.path('myenv', 'sessapp.json.bak'), '');
  const at = (...args: string[]) => [...args, '--yes'];
  await expectRefusal(sandbox.directory, at('nowhere'), 'not-an-environment', /nowhere does not exist\./);
  await expectRefusal(sandbox.directory, at('project'), 'not-an-environment', /it has no sessapp\.json/);
  await expectRefusal(sandbox.directory, at('file'), 'not-an-environment', /it has no sessapp\.json/);
  await expectRefusal(
    sandbox.directory,
    at('link'),
    'target-refused',
    /link is a symbolic link to .*\nName the directory/,
  );
  await expectRefusal(sandbox.directory, at('link/'), 'target-refused', /is a symbolic link/);
  await expectRefusal(sandbox.directory, at('link/.'), 'target-refused', /is a symbolic link/);
  await expectRefusal(sandbox.directory, at('/'), 'target-refused', /is the root of the file system/);
  await writeFile(sandbox.path('myenv', 'sessapp.json'), '{');
  await expectRefusal(sandbox.directory, at('myenv'), 'marker-damaged', /is not what sessapp wrote/);
  expect((await readdir(sandbox.directory)).sort()).toEqual(['file', 'link', 'myenv', 'project']);
});

test('the home directory, and a directory that contains it, are refused', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox);
  await mkdir(join(directory, 'me'));
  for (const [HOME, message] of [
    [directory, /is your home directory/],
    [join(directory, 'me'), /contains your home directory/],
  ] as const)
    expect((await remove(sandbox.directory, ['myenv', '--yes'], { HOME })).stderr).toMatch(message);
});

test('when the working directory is inside the environment, remove says to leave it first', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox);
  for (const [cwd, operand] of [
    [directory, '.'],
    [join(directory, 'bin'), '..'],
  ] as const)
    await expectRefusal(cwd, [operand, '--yes'], 'inside', /^error: You are in .*myenv.*\nLeave it first: cd /);
});

test('remove needs a directory, also with SESSAPP_ENV; after it removes the active environment, it says to type deactivate', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox);
  const env = { SESSAPP_ENV: directory };
  expect(await remove(sandbox.directory, ['--yes'], env)).toMatchObject({ exitCode: 2 });
  const { stdout } = await remove(sandbox.directory, ['myenv', '--yes'], env);
  expect(stdout).toBe('Removed myenv.\nIt is activated in this shell. Type: deactivate\n');
});

test('an environment that another command changes is refused', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox);
  for (const name of ['.sessapp-lock', '.sessapp-migration-lock', '.sessapp-env-lock']) {
    await acquireLock(join(directory, name), {});
    await expectRefusal(
      sandbox.directory,
      ['myenv', '--yes'],
      'busy',
      /Another sessapp command \(process \d+\) is changing/,
    );
    await releaseLock(join(directory, name));
  }
  expect(await remove(sandbox.directory, ['myenv', '--yes'])).toMatchObject({ exitCode: 0 });
});

test('environments with any name are removed, and file names are shown safely', async () => {
  const sandbox = new Sandbox();
  for (const name of ['--help', '-y', 'a b', 'one\ntwo', "it's $(touch x)", '한글'])
    await makeEnvironment(sandbox, name);
  await writeFile(sandbox.path('a b', 'new\nline\u001b[31m'), '');
  const { stdout } = await remove(sandbox.directory, ['a b', '--dry-run']);
  expect(stdout).toContain('  1 file that you added or changed: new\\u000aline\\u001b[31m\n');
  for (const name of ['--help', '-y', 'a b', 'one\ntwo', "it's $(touch x)", '한글'])
    expect(await remove(sandbox.directory, ['--yes', '--', name])).toMatchObject({ exitCode: 0 });
  expect(await readdir(sandbox.directory)).toEqual([]);
});

test('links inside are removed, and their targets stay', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox);
  await mkdir(sandbox.path('precious'));
  await writeFile(sandbox.path('precious', 'file'), 'stays');
  await symlink('../precious', join(directory, 'folder'));
  await symlink('../precious/file', join(directory, 'file'));
  await symlink('.', join(directory, 'circle'));
  await rm(join(directory, '.env'));
  await symlink('../precious/file', join(directory, '.env'));
  expect(await remove(sandbox.directory, ['myenv', '--yes'])).toMatchObject({ exitCode: 0 });
  expect(await readdir(sandbox.directory)).toEqual(['precious']);
  expect(await readFile(sandbox.path('precious', 'file'), 'utf8')).toBe('stays');
});

test.skipIf(!canActAsStranger)(`files and folders without permissions are removed${onlyAsRoot}`, async () => {
  const sandbox = new Sandbox();
  await chmod(sandbox.directory, 0o777);
  const env = { SESSAPP_STATE_DIR: sandbox.path('state') };
  const sessapp = (...args: string[]) => sandbox.sessapp(args, { ...stranger, env });
  expect(await sessapp('init', 'myenv', '--no-install')).toMatchObject({ exitCode: 0 });
  const directory = sandbox.path('myenv');
  await mkdir(join(directory, 'a', 'b'), { recursive: true });
  await writeFile(join(directory, 'a', 'b', 'file'), 'text', { mode: 0o444 });
  await finish(sandbox.spawn('chown', ['-R', '65534:65534', directory]));
  for (const [path, mode] of [
    ['a/b', 0o555],
    ['a', 0],
    ['app.js', 0],
    ['.', 0o555],
  ] as const)
    await chmod(join(directory, path), mode);
  expect(await sessapp('remove', 'myenv', '--yes')).toMatchObject({ exitCode: 0 });
  expect(await readdir(sandbox.directory)).toEqual(['state']);
});

test.skipIf(!canActAsStranger)(
  `a folder of another user inside is refused before anything is removed, and so is another user's environment${onlyAsRoot}`,
  async () => {
    const sandbox = new Sandbox();
    await chmod(sandbox.directory, 0o777);
    const directory = await makeEnvironment(sandbox);
    await finish(sandbox.spawn('chown', ['-R', '65534:65534', directory]));
    await expectRefusal(sandbox.directory, ['myenv', '--yes'], 'not-the-owner', /belongs to another user \(65534\)/);
    await mkdir(join(directory, 'roots'), { mode: 0o755 });
    await writeFile(join(directory, 'roots', 'file'), 'of root');
    const env = { SESSAPP_STATE_DIR: sandbox.path('state') };
    const sessapp = () => sandbox.sessapp(['remove', 'myenv', '--yes'], { ...stranger, env });
    const { exitCode, stderr } = await sessapp();
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /roots holds files of another user.*\nBecome their owner first: sudo chown -R 65534 .*\/roots\n$/,
    );
    expect(await readdir(directory)).toContain('sessapp.json');
    await chown(join(directory, 'roots'), 65_534, 65_534);
    expect(await sessapp()).toMatchObject({ exitCode: 0 });
    expect(await readdir(sandbox.directory)).toEqual([]);
  },
);

test.skipIf(!mountable)(
  `an environment that is a mount point, or contains one, is refused; remove works on a full disk${onlyWithMount}`,
  async () => {
    const sandbox = new Sandbox();
    const directory = await makeEnvironment(sandbox);
    await mountDisk(join(directory, 'uploads'), '1m');
    await expectRefusal(
      sandbox.directory,
      ['myenv', '--yes'],
      'other-file-system',
      /uploads is on another file system/,
    );
    await mountDisk(sandbox.path('disk'), '4m');
    await invoke(sandbox.directory, ['init', 'disk', '--no-install', '--allow-existing']);
    await expectRefusal(sandbox.directory, ['disk', '--yes'], 'other-file-system', /is a mount point/);
    expect(await readdir(sandbox.path('disk'))).not.toContain('.sessapp-lock');
    await mountDisk(sandbox.path('full'), '4m');
    await invoke(sandbox.path('full'), ['init', 'myenv', '--no-install']);
    await finish(sandbox.spawn('sh', ['-c', 'cat /dev/zero > full/filler']));
    expect(await remove(sandbox.path('full'), ['myenv', '--yes'])).toMatchObject({ exitCode: 0 });
    expect(await readdir(sandbox.path('full'))).toEqual(['filler']);
  },
);

test('of two concurrent removes one succeeds, and neither prints a stack', async () => {
  const sandbox = new Sandbox();
  for (let round = 0; round < 3; round += 1) {
    await makeEnvironment(sandbox);
    const results = await Promise.all([1, 2].map(() => sandbox.sessapp(['remove', 'myenv', '--yes'])));
    expect(results.map(({ exitCode }) => exitCode)).toContain(0);
    for (const { stderr } of results) expect(stderr).not.toMatch(/\n\s+at |bug/);
    expect(await readdir(sandbox.directory)).toEqual([]);
  }
});

test('a remove that is killed at any moment leaves the whole environment or a leftover, which the next remove deletes', async () => {
  const sandbox = new Sandbox();
  let kills = 0;
  for (let delayMs = 0; delayMs < 12; delayMs += 2) {
    const directory = await makeEnvironment(sandbox);
    for (let n = 0; n < 1500; n += 1) writeFileSync(join(directory, `file-${n}`), '');
    const child = sandbox.start(['remove', 'myenv', '--yes'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    // The command prints this line just before it starts.
    await new Promise((resolve) => child.stderr?.once('data', resolve));
    await wait(delayMs);
    if (child.kill('SIGKILL')) kills += 1;
    await ended;
    for (const name of await readdir(sandbox.directory)) {
      const names = await readdir(sandbox.path(name));
      if (name === 'myenv') expect(names.filter((entry) => entry.startsWith('file-'))).toHaveLength(1500);
      else expect(name).toMatch(/^\.sessapp-staging-/);
    }
    await remove(sandbox.directory, ['myenv', '--yes']);
    expect(await readdir(sandbox.directory)).toEqual([]);
  }
  expect(kills).toBeGreaterThan(0);
});

test('a signal during the deletion does not leave half an environment', async () => {
  const sandbox = new Sandbox();
  const directory = await makeEnvironment(sandbox);
  for (let n = 0; n < 3000; n += 1) writeFileSync(join(directory, `file-${n}`), '');
  const child = sandbox.start(['remove', 'myenv', '--yes']);
  const ended = finish(child);
  await new Promise((resolve) => child.stderr?.once('data', resolve));
  child.kill('SIGINT');
  const { exitCode } = await ended;
  expect([0, 130]).toContain(exitCode);
  const names = await readdir(sandbox.directory);
  if (exitCode === 0) expect(names).toEqual([]);
  else expect((await readdir(directory)).length).toBeGreaterThan(3000);
});

test("the environment's own copy can remove it", async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const own = join(directory, 'node_modules', '.bin', 'sessapp');
  const result = await finish(sandbox.spawn(own, ['remove', 'myenv', '--yes'], { env: { SESSAPP_ENV: directory } }));
  expect(result).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^Removed myenv\.\nIt is activated/) });
  expect(await readdir(sandbox.directory)).toEqual([]);
});

test("the environment's own code is not run", async () => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox);
  const own = join(directory, 'node_modules', 'sessapp', 'dist');
  // The files of a copy are links to those of the original.
  const trap = `import('node:fs').then((fs) => fs.writeFileSync('${directory}.run', ''));`;
  for (const [path, text] of [
    ['build-id', 'another'],
    [join('cli', 'main.js'), trap],
  ] as const) {
    await rm(join(own, path));
    await writeFile(join(own, path), text);
  }
  expect(await remove(sandbox.directory, ['myenv', '--yes'])).toMatchObject({ exitCode: 0 });
  expect(await readdir(sandbox.directory)).toEqual([]);
});

test.skipIf(withoutTerminal !== '')(
  `on a terminal remove says what it deletes, and asks; Enter alone keeps the environment${withoutTerminal}`,
  async () => {
    const sandbox = new Sandbox();
    await makeEnvironment(sandbox);
    const kept = await onTerminal(sandbox, ['remove', 'myenv'], [['Remove myenv?', '\r']]);
    expect(kept.exitCode).toBe(0);
    expect(kept.stdout).toMatch(/Removing it deletes:[\s\S]*\.env with its secret[\s\S]*myenv\S* stays as it is\./);
    const stopped = await onTerminal(sandbox, ['remove', 'myenv'], [['Remove myenv?', '\u0003']]);
    expect(stopped.exitCode).toBe(130);
    expect(await readdir(sandbox.directory)).toEqual(['myenv']);
    const removed = await onTerminal(sandbox, ['remove', 'myenv'], [['Remove myenv?', '\u001b[B\r']]);
    expect(removed.stdout).toContain('Removed myenv.');
    expect(await readdir(sandbox.directory)).toEqual([]);
  },
);

test.skipIf(withoutTerminal !== '')(
  `a directory that replaces the environment while remove asks is not removed${withoutTerminal}`,
  async () => {
    const sandbox = new Sandbox();
    await makeEnvironment(sandbox);
    const script = `stty cols 120; exec "${process.execPath}" "${join(import.meta.dirname, '../../../bin/sessapp.js')}" remove myenv`;
    const env = { ...process.env, CI: '', TERM: 'xterm', SESSAPP_ENV: '', NO_COLOR: '1' };
    const child = spawn('script', ['-qec', script, '/dev/null'], { cwd: sandbox.directory, env, stdio: 'pipe' });
    let screen = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (screen += text));
    const ended = new Promise((resolve) => child.once('close', resolve));
    while (!screen.includes('Remove myenv?')) await wait(20);
    await rename(sandbox.path('myenv'), sandbox.path('before'));
    await makeEnvironment(sandbox);
    child.stdin.write('\u001b[B\r');
    await ended;
    expect(screen).toContain('was replaced meanwhile; nothing was removed');
    expect((await readdir(sandbox.directory)).sort()).toEqual(['before', 'myenv']);
    expect(await readdir(sandbox.path('myenv'))).not.toContain('.sessapp-lock');
  },
);

import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { forget, knownDirectory, remember } from '../../../src/cli/environment/known.ts';
import { invoke } from '../../support/in-process.ts';
import { canActAsStranger, onlyAsRoot, stranger } from '../../support/privileges.ts';
import { Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment, serve, serveInBackground } from '../../support/server.ts';
import { onTerminal, withoutTerminal } from '../../support/terminal.ts';

interface Listed {
  name: string;
  directory: string;
  template: string | null;
  store: string | null;
  server: { url: string | null; pid: number } | null;
  problem: string | null;
}

/** A user with a list of environments of their own. */
function startUser() {
  const sandbox = new Sandbox();
  const env = { SESSAPP_STATE_DIR: sandbox.path('state') };
  const folder = sandbox.path('state', 'environments');
  const system = { cwd: sandbox.directory, env };
  const list = async (): Promise<Listed[]> => {
    const { stdout } = await invoke(sandbox.directory, ['list', '--json'], env);
    return (JSON.parse(stdout) as { environments: Listed[] }).environments;
  };
  const names = async (): Promise<string[]> => (await list()).map(({ name }) => name);
  const init = (...args: string[]) => invoke(sandbox.directory, ['init', ...args, '--no-install'], env);
  const add = async (directory: string): Promise<void> => remember(system, directory);
  return { sandbox, env, folder, system, list, names, init, add };
}

test('init adds an environment to the list, which is sorted by name and shows the store, template and server of each environment', async () => {
  const { sandbox, env, list, init } = startUser();
  for (const args of [['shop', '--template', 'accounts'], ['b', '--prompt', 'apple'], ['myenv']]) await init(...args);
  expect(await list()).toEqual([
    expect.objectContaining({ name: 'apple', directory: sandbox.path('b'), template: 'minimal', store: 'embedded' }),
    expect.objectContaining({ name: 'myenv', directory: sandbox.path('myenv'), server: null, problem: null }),
    expect.objectContaining({ name: 'shop', directory: sandbox.path('shop'), template: 'accounts' }),
  ]);
  const { stdout, stderr } = await invoke(sandbox.directory, ['list'], env);
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    expect.stringMatching(/^apple {2}embedded {2}minimal {3}\d.* {2}- {2}.*\/b$/),
    expect.stringMatching(/^myenv {2}embedded {2}minimal /),
    expect.stringMatching(/^shop {3}embedded {2}accounts /),
    '',
  ]);
});

test('init in a directory with files adds it too, and so does an init that finds an environment', async () => {
  const { sandbox, names, init, system } = startUser();
  await mkdir(sandbox.path('project'));
  await writeFile(sandbox.path('project', 'notes.txt'), 'mine');
  await init('project', '--allow-existing');
  expect(await names()).toEqual(['project']);
  await forget(system, sandbox.path('project'));
  await init('project', '--dry-run');
  expect(await names()).toEqual([]);
  await init('project');
  expect(await names()).toEqual(['project']);
});

test('an empty list says what to type next, and makes no directory', async () => {
  const { sandbox, env } = startUser();
  const { exitCode, stdout, stderr } = await invoke(sandbox.directory, ['list'], env);
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  expect(stderr).toMatch(
    /^The list is empty\. To make an environment, type: sessapp init myenv\nAn existing environment/,
  );
  expect(await readdir(sandbox.directory)).toEqual([]);
});

test('serve adds an environment that came from elsewhere; the list shows where its server runs', async () => {
  const { sandbox, list } = startUser();
  const directory = await copyEnvironment(sandbox);
  const env = { ...process.env, SESSAPP_STATE_DIR: sandbox.path('state') };
  const { url, pid, child } = await serve(sandbox, directory, [], { env });
  expect(await list()).toEqual([expect.objectContaining({ name: 'myenv', directory, server: { url, pid } })]);
  child.kill('SIGTERM');
  await new Promise((resolve) => child.once('close', resolve));
  expect(await list()).toEqual([expect.objectContaining({ directory, server: null })]);
});

test.each(['upgrade', 'install'])('%s also adds an environment to the list', async (name) => {
  const { sandbox, env, names } = startUser();
  await sandbox.environment();
  expect(await sandbox.sessapp([name, '-e', 'myenv'], { env })).toMatchObject({ exitCode: 0 });
  expect(await names()).toEqual(['myenv']);
});

test('a removed environment leaves the list, and a moved one is listed at its new place once it is served there', async () => {
  const { sandbox, names, list, folder, init, add } = startUser();
  for (const name of ['a', 'b', 'c', 'd']) await init(name);
  await rm(sandbox.path('a'), { recursive: true });
  await rm(sandbox.path('b', 'sessapp.json'));
  await rm(sandbox.path('c'), { recursive: true });
  await writeFile(sandbox.path('c'), 'a file');
  await rename(sandbox.path('d'), sandbox.path('moved'));
  expect(await names()).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
  await add(sandbox.path('moved'));
  expect(await list()).toEqual([expect.objectContaining({ name: 'moved', directory: sandbox.path('moved') })]);
});

test('an environment is listed by its real path, once', async () => {
  const { sandbox, list, init, add } = startUser();
  await init('real');
  await symlink('real', sandbox.path('link'));
  await add(sandbox.path('link'));
  expect((await list()).map(({ directory }) => directory)).toEqual([sandbox.path('real')]);
  await rename(sandbox.path('real'), sandbox.path('moved'));
  await symlink('moved', sandbox.path('real'));
  expect((await list()).map(({ directory }) => directory)).toEqual([sandbox.path('moved')]);
  expect((await list()).map(({ directory }) => directory)).toEqual([sandbox.path('moved')]);
});

test('when eight processes run init at the same time, all their environments are on the list', async () => {
  const { sandbox, env, folder, names } = startUser();
  const wanted = Array.from({ length: 8 }, (_, n) => `env-${n}`);
  await Promise.all(wanted.map((name) => sandbox.sessapp(['init', name, '--no-install'], { env })));
  expect(await names()).toEqual(wanted);
  expect((await readdir(folder)).length).toBe(8);
});

test('an environment whose sessapp.json is damaged stays on the list, with the reason', async () => {
  const { sandbox, list, init } = startUser();
  await init('myenv');
  await writeFile(sandbox.path('myenv', 'sessapp.json'), '{');
  const problem = expect.stringMatching(/sessapp\.json is not what sessapp wrote/);
  expect(await list()).toEqual([expect.objectContaining({ name: 'myenv', template: null, store: null, problem })]);
});

test.skipIf(!canActAsStranger)(
  `an environment that cannot be read stays on the list, with the reason${onlyAsRoot}`,
  async () => {
    const { sandbox, env, init } = startUser();
    await init(join('closed', 'myenv'));
    await chmod(sandbox.directory, 0o755);
    await chmod(sandbox.path('closed'), 0o700);
    for (const path of ['state', join('state', 'environments')]) await chown(sandbox.path(path), 65_534, 65_534);
    for (const name of await readdir(sandbox.path('state', 'environments')))
      await chown(sandbox.path('state', 'environments', name), 65_534, 65_534);
    const list = () => sandbox.sessapp(['list', '--json'], { ...stranger, env });
    for (const { stdout } of [await list(), await list()])
      expect(JSON.parse(stdout).environments).toEqual([
        expect.objectContaining({ name: 'myenv', problem: expect.stringMatching(/belongs to another user/) }),
      ]);
  },
);

test('only their owner can read the files of the list, and each contains only a directory', async () => {
  const { sandbox, folder, init } = startUser();
  await init('myenv');
  const [name = ''] = await readdir(folder);
  expect(JSON.parse(await readFile(join(folder, name), 'utf8'))).toEqual({ directory: sandbox.path('myenv') });
  for (const [path, mode] of [
    [folder, 0o700],
    [join(folder, name), 0o600],
  ] as const)
    expect((await stat(path)).mode & 0o777).toBe(mode);
});

test('damaged files, links, folders and drafts among the files do no harm', async () => {
  const { sandbox, folder, names, init } = startUser();
  await init('myenv');
  await init('other');
  const text = JSON.stringify({ directory: sandbox.path('myenv') });
  const hash = (letter: string): string => join(folder, `${letter.repeat(32)}.json`);
  for (const [letter, content] of ['', '{', 'null', '{"directory":7}', '{"directory":"relative"}', text].entries())
    await writeFile(hash(String(letter)), content);
  await mkdir(hash('a'));
  await symlink('/dev/zero', hash('b'));
  await symlink(hash('b'), hash('c'));
  await writeFile(join(folder, 'README'), 'mine');
  const draft = `${hash('d')}.1234.abcdefgh`;
  await writeFile(draft, '{"dir');
  const hourAgo = new Date(Date.now() - 60 * 60 * 1000);
  await utimes(draft, hourAgo, hourAgo);
  expect(await names()).toEqual(['myenv', 'other']);
  expect(await readdir(folder)).not.toContain(`${'d'.repeat(32)}.json.1234.abcdefgh`);
  expect(await readdir(folder)).toContain('README');
});

test('a directory where others may write is neither read nor written, and list says so', async () => {
  const { sandbox, env, folder, init } = startUser();
  await init('myenv');
  await chmod(folder, 0o777);
  expect(await init('other')).toMatchObject({ exitCode: 0, stderr: '' });
  expect((await readdir(folder)).length).toBe(1);
  const { exitCode, stdout, stderr } = await invoke(sandbox.directory, ['list'], env);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(stderr).toBe(
    `error: ${folder} is not used: other users can write to it.\nSet SESSAPP_STATE_DIR to a directory that only you can write to.\n`,
  );
});

test.each(['/dev/full/state', '/dev/null', '/proc/state', '/sys/state'])(
  'with SESSAPP_STATE_DIR=%s init works, and list says that the list is empty',
  async (SESSAPP_STATE_DIR) => {
    const { sandbox } = startUser();
    const env = { SESSAPP_STATE_DIR };
    const made = await invoke(sandbox.directory, ['init', 'myenv', '--no-install'], env);
    expect(made).toMatchObject({ exitCode: 0, stderr: '' });
    const { exitCode, stderr } = await invoke(sandbox.directory, ['list'], env);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/The list is empty\./);
  },
);

test.skipIf(!canActAsStranger)(
  `a home directory that cannot be written does not stop init, and list warns about it${onlyAsRoot}`,
  async () => {
    const sandbox = new Sandbox();
    await chmod(sandbox.directory, 0o777);
    const env = { HOME: sandbox.path('home'), SESSAPP_STATE_DIR: undefined, XDG_STATE_HOME: undefined };
    await mkdir(sandbox.path('home'), { mode: 0o555 });
    const sessapp = (...args: string[]) => sandbox.sessapp(args, { ...stranger, env });
    expect(await sessapp('init', 'myenv', '--no-install')).toMatchObject({ exitCode: 0, stderr: '' });
    const { exitCode, stderr } = await sessapp('list');
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/^warning: No environment can be added to the list: .*\/home cannot be written \(EACCES\)/);
  },
);

test.skipIf(!canActAsStranger)(`with sudo nothing is written into another user's home${onlyAsRoot}`, async () => {
  const sandbox = new Sandbox();
  const home = await mkdtemp(sandbox.path('home-'));
  await chown(home, 65_534, 65_534);
  const env = { HOME: home, SESSAPP_STATE_DIR: undefined, XDG_STATE_HOME: undefined };
  expect(await sandbox.sessapp(['init', 'myenv', '--no-install'], { env })).toMatchObject({ exitCode: 0 });
  expect(await readdir(home)).toEqual([]);
  expect((await sandbox.sessapp(['list'], { env })).stderr).toContain('belongs to another user');
});

test('the list is where SESSAPP_STATE_DIR says, else in the state directory of XDG, else in the home directory', () => {
  const place = (env: NodeJS.ProcessEnv): string => knownDirectory({ env: { HOME: '/home/me', ...env }, cwd: '/here' });
  expect(place({ SESSAPP_STATE_DIR: 's', XDG_STATE_HOME: '/x' })).toBe('/here/s/environments');
  expect(place({ XDG_STATE_HOME: '/x' })).toBe('/x/sessapp/environments');
  if (process.platform !== 'linux') return;
  expect(place({ XDG_STATE_HOME: 'relative', SESSAPP_STATE_DIR: '' })).toBe(
    '/home/me/.local/state/sessapp/environments',
  );
});

test.skipIf(withoutTerminal !== '')(
  `names with newlines and control characters take one line each on a terminal${withoutTerminal}`,
  async () => {
    const { sandbox, env, init } = startUser();
    await init('one\ntwo\u001b[31m');
    await init('한글');
    const { stdout } = await onTerminal(sandbox, ['list'], [], { ...env, NO_COLOR: '1' });
    const lines = stdout.trim().split(/\r?\n/);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^NAME +STORE +TEMPLATE +SESSAPP +SERVER +DIRECTORY$/);
    expect(lines[1]).toContain('one\\u000atwo\\u001b[31m');
  },
);

test('a server in the background is listed with its address', async () => {
  const { sandbox, list, add } = startUser();
  const directory = await copyEnvironment(sandbox);
  const { url, pid } = await serveInBackground(sandbox, directory);
  await add(directory);
  expect((await list())[0]?.server).toEqual({ url, pid });
});

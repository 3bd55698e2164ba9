import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { sha256, snapshot } from '../../support/files.ts';
import { invoke } from '../../support/in-process.ts';
import { Sandbox } from '../../support/sandbox.ts';

test.each([
  [['--stroe', 'embedded'], "Unknown option '--stroe'.", /^Did you mean --store\? Valid options: .*--template.*--json/],
  [['--store', 'embeded'], "There is no store 'embeded'.", /^Did you mean embedded\? Valid stores: .*embedded/],
  [['--store', '../stores/embedded'], "There is no store '../stores/embedded'.", /Valid stores: /],
  [['--template', 'minmal'], "There is no template 'minmal'.", /^Did you mean minimal\? Valid templates: .*minimal/],
  [['--prompt', 'a\nb'], 'The prompt must be one line of text, without control characters.', /--prompt/],
  [['--prompt', ''], 'The prompt must be one line of text, without control characters.', /--prompt/],
  [['--template'], "Option '--template <name>' argument missing.", /sessapp init --help/],
  [['--serve', '--no-install'], '--serve and --no-install cannot be combined.', /Leave one of them out/],
])(
  'init %j ends with exit code 2, and names the valid values and the nearest one, as text and as JSON',
  async (options, message, hint) => {
    const sandbox = new Sandbox();
    const words = await invoke(sandbox.directory, ['init', 'myenv', ...options]);
    expect(words).toMatchObject({ exitCode: 2, stdout: '' });
    const [fact, remedy = ''] = words.stderr.split('\n');
    expect(fact).toBe(`error: ${message}`);
    expect(remedy).toMatch(hint);
    const json = await invoke(sandbox.directory, ['init', '--json', 'myenv', ...options]);
    expect(json).toMatchObject({ exitCode: 2, stderr: '' });
    expect(JSON.parse(json.stdout)).toEqual({ version: 1, error: { code: 'usage', message, hint: remedy } });
    expect(await snapshot(sandbox.directory)).toEqual({});
  },
);

test.each([
  ['no directory', []],
  ['an empty name', ['']],
  ['a name of spaces', ['  ']],
])('%s without a terminal is a usage error, never a prompt', async (_, operands) => {
  const sandbox = new Sandbox();
  const result = await invoke(sandbox.directory, ['init', ...operands]);
  expect(result).toMatchObject({ exitCode: 2, stdout: '' });
  expect(result.stderr).toMatch(/^error: .*directory.*\nFor example: sessapp init myenv\n$/);
});

test('an unexpanded ~/ does not create a directory with that name', async () => {
  const sandbox = new Sandbox();
  const result = await invoke(sandbox.directory, ['init', '~/shop', '--no-install'], { HOME: '/home/me' });
  expect(result).toMatchObject({ exitCode: 2, stdout: '' });
  expect(result.stderr).toContain(
    '\nType the full path: /home/me/shop. If the name really begins with ~, type ./~/shop\n',
  );
  expect(await snapshot(sandbox.directory)).toEqual({});
});

test.each(['node_modules', 'node_modules/shop', 'packages/shop', 'full', 'a/node_modules/b/c'])(
  'init %s is refused, because an environment inside node_modules finds no packages',
  async (target) => {
    const sandbox = new Sandbox();
    await mkdir(sandbox.path('app', 'node_modules', 'full'), { recursive: true });
    await symlink('app/node_modules', sandbox.path('packages'));
    await symlink('app/node_modules/full', sandbox.path('full'));
    const before = await snapshot(sandbox.directory);
    for (const options of [[], ['--allow-existing'], ['--dry-run']]) {
      const result = await invoke(sandbox.directory, ['init', target, ...options, '--json']);
      expect(result.exitCode).toBe(1);
      expect(JSON.parse(result.stdout).error).toMatchObject({
        code: 'target-refused',
        message: expect.stringMatching(/\/node_modules is for the packages that npm installs/),
        hint: expect.stringMatching(/^Choose another directory: sessapp init (app\/|a\/)?myenv$/),
      });
    }
    expect(await snapshot(sandbox.directory)).toEqual(before);
  },
);

test('without a terminal, progress is one line on stderr, and the next commands are on stdout', async () => {
  const sandbox = new Sandbox();
  const result = await sandbox.sessapp(['init', 'my env'], { env: { SHELL: '/bin/bash', npm_command: undefined } });
  expect(result).toMatchObject({ exitCode: 0, stderr: 'Installing dependencies …\n' });
  expect(result.stdout).toMatch(
    /^Made the environment my env \(\/.*\/my env\) in \d+\.\d s\.\nNext:\n {2}\S+ 'my env\/bin\/activate'\n {2}sessapp serve 'my env'\n$/,
  );
});

test.each([
  ['a missing target', async () => undefined, []],
  ['a directory with files', (s: Sandbox) => s.sessapp(['init', 'myenv/x', '--no-install']), ['--allow-existing']],
])('a dry run on %s changes nothing, and prints the plan that init then carries out', async (_, arrange, options) => {
  const sandbox = new Sandbox();
  await arrange(sandbox);
  if (options[0] === '--allow-existing') await writeFile(sandbox.path('myenv', 'app.js'), 'mine');
  const before = await snapshot(sandbox.directory);
  const args = ['init', 'myenv', '--no-install', '--git', ...options];
  const planned = JSON.parse((await invoke(sandbox.directory, [...args, '--dry-run', '--json'])).stdout);
  const served = args.filter((word) => word !== '--no-install');
  const text = (await invoke(sandbox.directory, [...served, '--dry-run', '--serve'])).stdout;
  expect(await snapshot(sandbox.directory)).toEqual(before);
  const { plan } = JSON.parse((await invoke(sandbox.directory, [...args, '--json'])).stdout);
  expect(planned).toEqual({ version: 1, status: 'planned', plan });
  const listed = text.split('\n').filter((line) => line.startsWith('  '));
  expect(listed.map((line) => line.trim())).toEqual(plan.files.map(({ path }: { path: string }) => path));
  for (const path of plan.kept) expect(text).toContain(path);
  for (const file of plan.files as { path: string; mode: string; sha256: string | null }[]) {
    const content = await readFile(sandbox.path('myenv', file.path));
    const mode = ((await stat(sandbox.path('myenv', file.path))).mode & 0o7777).toString(8).padStart(4, '0');
    const isSecret = file.path === '.env';
    expect(file).toEqual({ path: file.path, mode, sha256: isSecret ? null : sha256(content) });
  }
});

test('--dry-run with --serve starts no server, even if the environment exists', async () => {
  const sandbox = new Sandbox();
  const environment = await sandbox.environment();
  const result = await sandbox.sessapp(['init', environment, '--dry-run', '--serve', '--json']);
  expect(JSON.parse(result.stdout)).toMatchObject({ status: 'unchanged' });
});

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from '../../src/cli/command-line.ts';
import { groups, listCommands, loadCommand } from '../../src/cli/commands/index.ts';
import { fakeSystem, invoke } from '../support/in-process.ts';
import { copyBuild } from '../support/other-build.ts';
import { cli, finish, repository, Sandbox } from '../support/sandbox.ts';
import { copyEnvironment } from '../support/server.ts';
import { withoutTerminal } from '../support/terminal.ts';

const shared = new Sandbox(afterAll);
let version: string;

beforeAll(async () => {
  await copyEnvironment(shared);
  ({ version } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')));
});

const sessapp = (...args: string[]) => invoke(shared.directory, args);

test.each(listCommands())(
  'the help of %s is printed on stdout by --help, -h and help, with exit code 0',
  async (name) => {
    const words = name.split(' ');
    const help = await sessapp(...words, '--help');
    expect(help).toMatchObject({ exitCode: 0, stderr: '' });
    expect(help.stdout).toMatch(new RegExp(`^Usage: sessapp ${name} `));
    expect(help.stdout).toContain('--json');
    expect((await sessapp(...words, '-h')).stdout).toBe(help.stdout);
    expect((await sessapp('help', ...words)).stdout).toBe(help.stdout);
  },
);

test.each(listCommands())('the help of %s ends with examples, which are valid command lines', async (name) => {
  const { stdout } = await sessapp(...name.split(' '), '--help');
  const { examples } = await loadCommand(name);
  const { directory: empty } = new Sandbox();
  expect(stdout.endsWith(`\nExamples:\n${examples.map((line) => `  ${line}\n`).join('')}`)).toBe(true);
  expect([1, 2]).toContain(examples.length);
  for (const example of examples) {
    const [program, ...words] = example.split(' ');
    expect(program).toBe('sessapp');
    const invocation = await parse(words, fakeSystem(() => shared.directory).system);
    expect(invocation?.name).toBe(name);
    // The command finds no environment here, which is exit code 1. A usage error would be 2.
    if (/^(init$|completion$|list$|remove$|cache )/.test(name)) continue;
    expect((await invoke(empty, words)).exitCode, example).toBe(1);
  }
});

test.each(['--help', '-h', 'help', 'help help', 'help --'])('sessapp %s lists the commands', async (words) => {
  const { exitCode, stdout, stderr } = await sessapp(...words.split(' '));
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^ {2}serve .*\n/m);
});

test.each(['secret --help', 'secret help', 'help secret help', 'secret help help'])(
  'sessapp %s lists the commands of the group',
  async (words) => {
    expect(await sessapp(...words.split(' '))).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^ {2}rotate .*\n/m),
      stderr: '',
    });
  },
);

test.each(['--version', '-V'])('%s prints the version', async (word) => {
  expect(await sessapp(word)).toMatchObject({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
});

test.each([
  [
    ['sevre'],
    /There is no command 'sevre'\.\nDid you mean serve\? Valid commands: add, cache, completion, dashboard, deploy, doctor, info, init/,
  ],
  [['secert'], /Did you mean secret\?/],
  [['sessions'], /'sessions' is a group of commands\.\nChoose one: sessions /],
  [['sessions', 'xyzzy'], /There is no command 'sessions xyzzy'\.\nValid commands: sessions /],
  [['sessions', '--values'], /Unknown option '--values'\./],
  [['sessions', 'stats', '-e'], /argument missing\.\nType sessapp sessions stats --help/],
  [['serve', '-e', '--watch'], /Option '-e, --env <dir>' argument missing/],
  [
    ['xyzzy'],
    /There is no command 'xyzzy'\.\nValid commands: add, cache, completion, dashboard, deploy, doctor, info, init/,
  ],
  [['help', 'sevre'], /There is no command 'sevre'\.\nDid you mean serve\?/],
  [['serve', '--prot', '80'], /Unknown option '--prot'\.\nDid you mean --port\? Valid options: /],
  [['logs', '--follow=x'], /Option '--follow' takes no value\.\nType sessapp logs --help/],
  [['serve', '--port'], /Option '-p, --port <number>' argument missing\.\nType sessapp serve --help/],
  [['info', 'a', 'b'], /Too many arguments for 'info'.*\nType sessapp info --help/],
  [
    ['deploy', 'docker', 'myenv'],
    /Too many arguments for 'deploy'.*\nTo name an environment, use -e <dir>\. Type sessapp/,
  ],
  [[], /^error: No command given\.\n\nUsage: sessapp (.*\n)+ {2}init .*make an environment\n/],
  [['--'], /^error: No command given\.\n\nUsage: sessapp /],
  [['secret', '--'], /'secret' is a group of commands\.\nChoose one: secret /],
  [['stop', ''], /The name of the environment is empty\./],
  [['status', '-e', ''], /The name of the environment is empty\./],
  [['info', 'myenv', '-e', 'other'], /Two environments were given: .*myenv and .*other/],
])('sessapp %j is a usage error that says what is wrong and what is valid', async (args, message) => {
  expect((await sessapp(...args)).stderr).toMatch(message);
});

test.each([
  ['the environment', '.', ['status', 'myenv']],
  ['a directory in it', 'bin', ['info', '-e', 'elsewhere']],
])('in %s, a name that does not exist there gets the advice to leave it out', async (_, cwd, args) => {
  const { exitCode, stderr } = await invoke(join(shared.directory, 'myenv', cwd), args);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/does not exist\.\nYou are in the environment .*myenv\. To use it, leave out the name\.\n$/);
});

test.each([
  ['nowhere', /nowhere does not exist\.\nMake one there: sessapp init nowhere, or name another with -e <dir>\n/],
  ['empty', /empty is not an environment: .*\nMake one there: sessapp init empty, or name another with -e <dir>\n/],
  [
    'full',
    /full is not an environment: .*\nMake one in a new directory: sessapp init <dir>, or name another with -e <dir>\n/,
  ],
  ['full/file', /file is not a directory\.\nName the directory of an environment\.\n/],
])('the hint for %s, which is not an environment, is possible', async (name, message) => {
  await mkdir(join(shared.directory, 'empty'), { recursive: true });
  await mkdir(join(shared.directory, 'full'), { recursive: true });
  await writeFile(join(shared.directory, 'full', 'file'), '');
  for (const command of ['serve', 'status', 'doctor', 'upgrade']) {
    const { exitCode, stderr } = await sessapp(command, name);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('--allow-existing');
  }
});

test('the same environment may be named by [dir] and by -e', async () => {
  expect((await sessapp('info', 'myenv', '-e', './myenv/')).exitCode).toBe(0);
});

test.each([
  ['nowhere', /\/nowhere does not exist\.\nSESSAPP_ENV names this directory\./],
  ['/', /\/ is not an environment: it has no sessapp\.json\.\nSESSAPP_ENV names this directory\./],
])('the error for SESSAPP_ENV=%s names the variable', async (directory, message) => {
  expect((await invoke(shared.directory, ['status'], { SESSAPP_ENV: directory })).stderr).toMatch(message);
});

test.each(Object.keys(groups))('the help of the group %s has an example of each of its commands', async (group) => {
  const { stdout } = await sessapp(group, '--help');
  const examples = stdout.split('\nExamples:\n')[1] ?? '';
  for (const name of listCommands().filter((name) => name.startsWith(`${group} `)))
    expect(examples).toContain(`  sessapp ${name}`);
});

test('the help names the values of each operand and option that has only some', async () => {
  for (const name of listCommands()) {
    const { operands = [], options = [] } = await loadCommand(name);
    const { stdout } = await sessapp(...name.split(' '), '--help');
    for (const [, , values] of [...operands, ...options])
      for (const value of typeof values === 'function' ? values() : []) expect(stdout, name).toContain(value);
  }
});

test.each(['--help', 'info myenv', 'info myenv --json', 'status nowhere', 'init --help'])(
  'sessapp %s does not fail when its reader closes early',
  async (args) => {
    for (const reader of ['true', 'head -c 0']) {
      const script = `"$0" "$1" ${args} 2> err | ${reader}; cat err >&2`;
      const { stderr } = await finish(shared.spawn('sh', ['-c', script, process.execPath, cli]));
      expect(stderr).not.toMatch(/EPIPE|\n\s+at /);
    }
  },
);

test.each([
  ['info myenv', cli, 'The command itself was done.'],
  ['secret rotate myenv --json', cli, 'The command itself was done.'],
  ['status myenv', cli, 'The command itself ended with exit code 1.'],
  // The environment's own copy of sessapp runs this command, in the same process.
  ['secret list myenv', 'other', 'The command itself was done.'],
])('sessapp %s says that its output could not be written, and what became of the command', async (args, by, fate) => {
  const file = by === 'other' ? (await copyBuild(shared)).path('bin', 'sessapp.js') : by;
  const script = `"$0" "$1" ${args} > /dev/full`;
  const result = await finish(shared.spawn('sh', ['-c', script, process.execPath, file]));
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toMatch(/^error: The output could not be written \(ENOSPC\)\.\n.*\n$/);
  expect(result.stderr).toContain(fate);
});

const escapeCharacter = String.fromCharCode(27);

test.for<[where: string, variables: NodeJS.ProcessEnv, terminal: boolean, coloured: boolean]>([
  ['in a pipe', {}, false, false],
  ['in a pipe with FORCE_COLOR', { FORCE_COLOR: '1' }, false, true],
  ['in a pipe with FORCE_COLOR and NO_COLOR', { FORCE_COLOR: '1', NO_COLOR: '1' }, false, false],
  ['on a terminal', {}, true, true],
  ['on a terminal with NO_COLOR', { NO_COLOR: '1' }, true, false],
  ['on a terminal with FORCE_COLOR=0', { FORCE_COLOR: '0' }, true, false],
  ['on a dumb terminal', { TERM: 'dumb' }, true, false],
])('output is coloured only where it may be: %s', async ([_, variables, terminal, coloured], { skip }) => {
  skip(terminal && withoutTerminal !== '', withoutTerminal);
  const env = { NO_COLOR: undefined, FORCE_COLOR: undefined, TERM: 'xterm', ...variables };
  const command = `${process.execPath} ${cli} info myenv`;
  const { stdout } = terminal
    ? await finish(shared.spawn('script', ['-qec', command, '/dev/null'], { env }))
    : await shared.sessapp(['info', 'myenv'], { env });
  expect(stdout.includes(`${escapeCharacter}[`)).toBe(coloured);
  expect(stdout).toContain('minimal');
});

test('without a terminal, init without a directory is a usage error, not a question', async () => {
  const child = shared.start(['init'], { stdio: ['pipe', 'pipe', 'pipe'] });
  expect(await finish(child)).toMatchObject({ exitCode: 2, stdout: '' });
});

test('every command on an environment takes -e, and has exactly one operand', async () => {
  for (const name of listCommands().filter((name) => !/^(init$|cache |completion$|list$|remove$)/.test(name))) {
    const { operands = [], options = [] } = await loadCommand(name);
    expect(
      options.map(([flags]) => flags),
      name,
    ).toContain('-e, --env <dir>');
    const [first, ...others] = operands.map(([syntax]) => syntax);
    expect(others, name).toEqual([]);
    expect(first, name).toBeDefined();
  }
});

test.each(['sessions list', 'sessions stats', 'sessions prune', 'secret list'])(
  'sessapp %s myenv works',
  async (name) => {
    const sandbox = new Sandbox();
    await sandbox.environment();
    const words = name.split(' ');
    expect(await invoke(sandbox.directory, [...words, 'myenv'])).toMatchObject({ exitCode: 0 });
    expect((await invoke(sandbox.directory, [...words, 'elsewhere'])).stderr).toMatch(/elsewhere does not exist/);
  },
);

test.each<[string[], string]>([
  [['serve'], 'sessapp serve a b'],
  [['status'], 'sessapp status a b'],
  [['sessions', 'list'], 'sessapp sessions list a b'],
  [['sessions', 'show', 'AAAA'], 'sessapp sessions show -e a b'],
  [['serve', 'mynev'], 'sessapp serve a b'],
  [['doctor', '.'], 'sessapp doctor a b'],
])('the error of sessapp %j suggests environments nearby', async (args, suggested) => {
  const sandbox = new Sandbox();
  const suggest = (name: string) => suggested.replace('a b', name);
  await sandbox.environment('one');
  // As `init` leaves it in the middle of its work.
  await sandbox.environment('.sessapp-staging-1-2-3');
  expect((await invoke(sandbox.directory, args)).stderr).toContain(`\nDid you mean ${suggest('one')}?\n`);
  await sandbox.environment("it's");
  const both = `${suggest("'it'\\''s'")}, or ${suggest('one')}`;
  expect((await invoke(sandbox.directory, args)).stderr).toContain(`\nDid you mean ${both}?\n`);
});

const hostile = 'a\u001b]0;title\u0007\u001b[31m\u202e\u009b2J';
const shown = 'a\\u001b]0;title\\u0007\\u001b[31m\\u202e\\u009b2J';

test.each<[string[], string]>([
  [['status', hostile], '1'],
  [['info', hostile], '1'],
  [['stop', hostile], '1'],
  [['doctor', hostile, '--verbose'], ''],
  [['sessions', 'stats', hostile], '1'],
  [['serve', `${hostile}x`], ''],
  [['logs', hostile], ''],
  [['run', '-e', hostile, '--', hostile], '1'],
])('sessapp %j writes only visible text to a terminal, whatever names come from outside', async (args, named) => {
  const sandbox = new Sandbox();
  const directory = await copyEnvironment(sandbox, hostile);
  await mkdir(join(directory, 'data'), { recursive: true, mode: 0o700 });
  await writeFile(join(directory, 'data', 'server.log'), `${hostile}\n`);
  const marker = JSON.parse(await readFile(join(directory, 'sessapp.json'), 'utf8'));
  await writeFile(
    join(directory, 'sessapp.json'),
    JSON.stringify({ ...marker, prompt: `p${hostile}`, sessapp: hostile }),
  );
  for (const env of [{ NO_COLOR: '1' }, { FORCE_COLOR: '1' }]) {
    const { stdout, stderr } = await invoke(sandbox.directory, args, env);
    const text = stdout + stderr;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the test looks for them
    expect(text).not.toMatch(/\u001b(?!\[\d+m)|[\u0000-\u0008\u000b-\u001a\u007f-\u009f\u202e]/);
    if ('NO_COLOR' in env) expect(text).not.toContain('\u001b');
    if ('NO_COLOR' in env && named !== '') expect(text).toContain(shown);
  }
});

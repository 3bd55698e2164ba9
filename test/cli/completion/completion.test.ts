import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { listCommands, loadCommand } from '../../../src/cli/commands/index.ts';
import { toGrammar } from '../../../src/cli/completion/grammar.ts';
import { completedShells, renderCompletion } from '../../../src/cli/completion/scripts.ts';
import { invoke } from '../../support/in-process.ts';
import { notInstalled } from '../../support/programs.ts';
import { finish, Sandbox } from '../../support/sandbox.ts';
import { copyEnvironment, waitFor } from '../../support/server.ts';

interface TestedShell {
  /** Interactive, without start-up files. */
  args: string[];
  /** Without a terminal. */
  strictly: (file: string) => string[];
  /** Before the script is loaded. */
  setUp: string;
  load: string;
  /** A word with a space, as this shell completes it. */
  spaced: string;
  activate: string;
}

const shells: Record<string, TestedShell> = {
  bash: {
    args: ['--norc', '--noprofile', '-i'],
    strictly: (file) => ['-c', `set -eu; eval "$(cat ${file})"; complete -p sessapp`],
    setUp: "set -u; PS1='ready> '; bind 'set show-all-if-ambiguous on'; bind 'set bell-style none'",
    load: 'eval "$(cat script)"',
    spaced: 'a\\ b/',
    activate: '. myenv/bin/activate',
  },
  fish: {
    args: ['--no-config', '-i'],
    strictly: (file) => ['--no-config', '-c', `source ${file}; complete -c sessapp`],
    setUp: "function fish_prompt; echo -n 'ready> '; end; set -g fish_autosuggestion_enabled 0",
    load: 'source script',
    spaced: 'a\\ b/',
    activate: 'source myenv/bin/activate.fish',
  },
  zsh: {
    args: ['-f', '-i'],
    strictly: (file) => ['-f', '-c', `setopt nounset; eval "$(cat ${file})"; echo $_comps[sessapp]`],
    setUp: "setopt nounset; unsetopt zle_bracketed_paste prompt_sp; PS1='ready> '",
    load: 'eval "$(cat script)"',
    spaced: 'a\\ b/',
    activate: '. myenv/bin/activate',
  },
};

/** A shell on its own terminal, and the keys that a user types. */
class Typist {
  readonly #child: ChildProcess;
  #screen = '';

  constructor(name: string, { args }: TestedShell, cwd: string) {
    const { PATH } = process.env;
    const env = { PATH, HOME: cwd, XDG_CONFIG_HOME: cwd, XDG_DATA_HOME: cwd, LC_ALL: 'C.UTF-8', TERM: 'xterm' };
    const command = `stty cols 200 rows 50; exec ${[name, ...args].join(' ')}`;
    this.#child = spawn('script', ['-qec', command, '/dev/null'], { cwd, env, stdio: 'pipe' });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#screen += text));
  }

  get screen(): string {
    return stripVTControlCharacters(this.#screen).replaceAll('\r', '');
  }

  async run(line: string): Promise<void> {
    await this.type(`${line}; echo do''ne\n`, /done/);
  }

  /** Types, and waits until the screen matches. Returns the screen. */
  async type(keys: string, wanted: RegExp): Promise<string> {
    this.#screen = '';
    this.#child.stdin?.write(keys);
    for (let tries = 0; tries < 500 && !wanted.test(this.screen); tries += 1) await wait(20);
    return this.screen;
  }

  /** Deletes the typed line. */
  async clear(): Promise<void> {
    await this.type("\u0015echo cle''ared\n", /cleared/);
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

/** The keys before TAB, and the text that the screen shows then. */
const cases: [typed: string, shown: RegExp][] = [
  ['sessapp comp', /sessapp completion/],
  ['sessapp s', /(?=[\s\S]*secret )(?=[\s\S]*serve )(?=[\s\S]*shell )(?=[\s\S]*store )/],
  ['sessapp secret ro', /sessapp secret rotate/],
  ['sessapp help secret ro', /sessapp help secret rotate/],
  ['sessapp --ver', /sessapp --version/],
  ['sessapp init --allow', /sessapp init --allow-existing/],
  ['sessapp info x --js', /sessapp info x --json/],
  ['sessapp secret retire --fo', /sessapp secret retire --force/],
  ['sessapp init --store r', /sessapp init --store redis/],
  ['sessapp init --store=r', /sessapp init --store=redis/],
  ['sessapp init --template acc', /sessapp init --template accounts/],
  ['sessapp init --store-url redis://host:1/2 --typ', /--typescript/],
  ['sessapp deploy kub', /sessapp deploy kubernetes/],
  ['sessapp add pass', /sessapp add passkeys/],
  ['sessapp store migrate -e other post', /sessapp store migrate -e other postgres/],
  ['sessapp completion fi', /sessapp completion fish/],
  ['sessapp serve oth', /sessapp serve other\//],
  ['sessapp status -e oth', /sessapp status -e other\//],
  ['sessapp status --env=oth', /sessapp status --env=other\//],
  ['sessapp remove oth', /sessapp remove other\//],
  ['sessapp store backup fil', /sessapp store backup file\.txt/],
  ['sessapp run -- echo fil', /sessapp run -- echo file\.txt/],
];

test('every shell that is completed is tested', () => {
  expect(Object.keys(shells)).toEqual([...completedShells]);
});

describe.each(Object.entries(shells))('%s', (name, shell) => {
  const missing = notInstalled(name, 'script');

  test.skipIf(missing !== '')(`completes what is typed on a terminal, with TAB${missing}`, async () => {
    const { typist } = await start(name, shell);
    for (const [typed, shown] of cases) {
      expect(await typist.type(`${typed}\t`, shown), typed).toMatch(shown);
      await typist.clear();
    }
    const spaced = await typist.type('sessapp info a\t', /info a\\? b\//);
    expect(spaced).toContain(`sessapp info ${shell.spaced}`);
    await typist.clear();
    expect(await typist.type('sessapp info a\\ \t', /info a\\ b\//)).toContain(`sessapp info ${shell.spaced}`);
    typist.end();
  });

  test.skipIf(missing !== '')(`completes nothing where nothing is expected${missing}`, async () => {
    const { typist } = await start(name, shell);
    for (const typed of [
      'sessapp sessions show ',
      'sessapp serve other oth',
      'sessapp init --prompt oth',
      'sessapp cache info oth',
    ]) {
      await typist.type(`${typed}\t\t`, new RegExp(typed));
      await wait(1000);
      expect(typist.screen, typed).not.toMatch(/other\/|file\.txt/);
      await typist.clear();
    }
    typist.end();
  });

  test.skipIf(missing !== '')(`completes the sessapp of an activated environment${missing}`, async () => {
    const { sandbox, typist } = await start(name, shell);
    await copyEnvironment(sandbox);
    await typist.run(shell.activate);
    expect(await typist.type('sessapp doct\t', /sessapp doctor/)).toMatch(/sessapp doctor/);
    typist.end();
  });

  test.skipIf(missing !== '')(`loads without a message under strict options${missing}`, async () => {
    const sandbox = new Sandbox();
    await writeScript(sandbox, name);
    const { exitCode, stdout, stderr } = await finish(sandbox.spawn(name, shell.strictly('script')));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('sessapp');
  });
});

test('a new command is completed, with its options and values', () => {
  const command = {
    summary: "it's [new]: \\ a `thing`",
    examples: [],
    operands: [['<colour>', 'a colour', () => ['blue', 'red']]] as [string, string, () => string[]][],
    options: [['-q, --quality <name>', "how: it's", () => ['fine', 'rough']]] as [string, string, () => string[]][],
    run: async () => ({}),
  };
  const grammar = toGrammar([['paint', command]], {});
  for (const shell of completedShells) {
    const script = renderCompletion(shell, grammar);
    for (const word of ['paint', 'blue', 'red', '--quality', 'fine', 'rough']) expect(script, shell).toContain(word);
    expect(script).not.toContain('{{');
  }
});

test('the words of all commands need no quoting', async () => {
  const commands = await Promise.all(
    listCommands().map(async (name) => [name, await loadCommand(name)] as [string, never]),
  );
  for (const { name, operands, options } of toGrammar(commands, {}).commands) {
    for (const word of name.split(' ')) expect(word).toMatch(/^[a-z]*$/);
    for (const { flags } of options) for (const flag of flags) expect(flag).toMatch(/^-[a-zA-Z]$|^--[a-z-]+$/);
    const slots = [...operands, ...options.flatMap(({ slot }) => slot ?? [])];
    for (const word of slots.flatMap(({ words }) => words)) expect(word).toMatch(/^[a-z][a-z-]*$/);
  }
});

test('each script says in its first lines how to load it, as the help does', async () => {
  const { directory } = new Sandbox();
  const help = (await invoke(directory, ['completion', '--help'])).stdout;
  for (const shell of completedShells) {
    const { stdout } = await invoke(directory, ['completion', shell]);
    const line =
      stdout
        .split('\n')
        .slice(0, 8)
        .find((line) => /^# {5}/.test(line)) ?? 'none';
    expect(help).toContain(line.slice(2).trim());
  }
});

const withoutFish = notInstalled('fish');

test.skipIf(withoutFish !== '')(`the line for fish works for a user without any settings${withoutFish}`, async () => {
  const sandbox = new Sandbox();
  const { stdout } = await invoke(sandbox.directory, ['completion', '--help']);
  const line = /fish: type: (.*)/.exec(stdout)?.[1] ?? '';
  const script = `function sessapp; echo loaded; end; ${line}`;
  const env = { HOME: sandbox.directory, XDG_CONFIG_HOME: '' };
  expect((await finish(sandbox.spawn('fish', ['--no-config', '-c', script], { env }))).stderr).toBe('');
  expect(await readFile(sandbox.path('.config', 'fish', 'completions', 'sessapp.fish'), 'utf8')).toBe('loaded\n');
});

async function start(name: string, shell: TestedShell): Promise<{ sandbox: Sandbox; typist: Typist }> {
  const sandbox = new Sandbox();
  for (const folder of ['a b', 'other', 'fish/generated_completions'])
    await mkdir(sandbox.path(folder), { recursive: true });
  await writeFile(sandbox.path('file.txt'), '');
  await writeScript(sandbox, name);
  const typist = new Typist(name, shell, sandbox.directory);
  typists.push(typist);
  await waitFor(() => typist.screen !== '');
  await typist.run(shell.setUp);
  await typist.run(shell.load);
  return { sandbox, typist };
}

async function writeScript(sandbox: Sandbox, shell: string): Promise<void> {
  const { stdout } = await invoke(sandbox.directory, ['completion', shell]);
  await writeFile(sandbox.path('script'), stdout);
}

const typists: Typist[] = [];
afterAll(() => {
  for (const typist of typists) typist.end();
});

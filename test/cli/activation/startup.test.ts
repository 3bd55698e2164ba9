import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { notInstalled } from '../../support/programs.ts';
import { type Result, repository } from '../../support/sandbox.ts';
import { cleanEnvironment, makeDirectory, makeEnvironment, removeDirectory, runOnTerminal } from './environments.ts';

const startupTemplates = join(repository, 'templates', 'shells');

/** A shell.json: how to start the user's own shell with an environment activated. */
interface Startup {
  names: string[];
  /** False when the shell has no startup hook: it gets the environment variables only. */
  activates: boolean;
  args: string[];
  /** The user's own value of such a variable is passed as `_SESSAPP_USER_<name>`. */
  env: Record<string, string>;
}

function readStartup(folder: string): Startup {
  return JSON.parse(readFileSync(join(startupTemplates, folder, 'shell.json'), 'utf8')) as Startup;
}

/** The user's own startup files, which must run before activation. */
interface Case {
  shell: string;
  folder: string;
  title: string;
  files: Record<string, string>;
  env?: (home: string) => NodeJS.ProcessEnv;
  /** The expected value of the variable that was replaced for the startup. */
  restored?: { name: string; value: (home: string) => string };
}

const readHere = 'export USER_FILE=read; PS1="orig> "\n';
const cases: Case[] = [
  { shell: 'bash', folder: 'bash', title: 'after ~/.bashrc', files: { '.bashrc': readHere } },
  {
    shell: 'bash',
    folder: 'bash',
    title: 'after a strict ~/.bashrc that returns',
    files: { '.bashrc': `set -u\n${readHere}return 0\n` },
  },
  {
    shell: 'zsh',
    folder: 'zsh',
    title: 'after ~/.zshenv and ~/.zshrc',
    files: { '.zshenv': 'export ENV_FILE=read\n', '.zshrc': `[[ $ENV_FILE == read ]] && ${readHere}` },
    restored: { name: 'ZDOTDIR', value: () => '' },
  },
  {
    shell: 'zsh',
    folder: 'zsh',
    title: 'after the files in ZDOTDIR',
    files: { 'my zsh/.zshrc': readHere },
    env: (home) => ({ ZDOTDIR: join(home, 'my zsh') }),
    restored: { name: 'ZDOTDIR', value: (home) => join(home, 'my zsh') },
  },
  {
    shell: 'zsh',
    folder: 'zsh',
    title: 'after the files in a ZDOTDIR that ~/.zshenv sets',
    files: { '.zshenv': 'export ZDOTDIR="$HOME/my zsh"\n', 'my zsh/.zshrc': readHere },
    restored: { name: 'ZDOTDIR', value: (home) => join(home, 'my zsh') },
  },
  {
    shell: 'ksh',
    folder: 'posix',
    title: 'after ~/.kshrc',
    files: { '.kshrc': readHere },
    restored: { name: 'ENV', value: () => '' },
  },
  ...['ksh', 'dash'].map((shell) => ({
    shell,
    folder: 'posix',
    title: 'after the file in ENV',
    files: { 'my rc': readHere },
    env: () => ({ ENV: '$HOME/my rc' }),
    restored: { name: 'ENV', value: () => '$HOME/my rc' },
  })),
  { shell: 'dash', folder: 'posix', title: 'without any file', files: {}, restored: { name: 'ENV', value: () => '' } },
  {
    shell: 'fish',
    folder: 'fish',
    title: 'after config.fish',
    files: {
      'fish/config.fish': 'set -gx USER_FILE read; function fish_prompt; echo -n "orig> "; end\n',
      // Without this folder, fish creates it on its first start, and continues after it has exited.
      'fish/generated_completions/none': '',
    },
  },
];

let root: string;
beforeAll(() => {
  root = makeDirectory();
});
afterAll(() => removeDirectory(root));

describe('the start of an activated shell', () => {
  test.concurrent.for(cases)('$shell starts activated, $title', async (row, { skip }) => {
    const missing = notInstalled(row.shell, 'script');
    skip(missing !== '', missing);
    const { directory, environment, result } = await start(row, [
      'printenv SESSAPP_ENV',
      'echo "file <$USER_FILE>"',
      ...(row.restored ? [`echo "borrowed <$${row.restored.name}>"`] : []),
      'printenv _SESSAPP_SHELL_ENV || echo nothing "left"',
      'deactivate',
      'printenv SESSAPP_ENV || echo nothing "active"',
      'exit 7',
    ]);
    const wanted = [environment, 'nothing left', 'nothing active'];
    if (row.restored) wanted.push(`borrowed <${row.restored.value(directory)}>`);
    if (Object.keys(row.files).length > 0) wanted.push('file <read>', "(it's $(my) env) orig> ");
    for (const text of wanted) expect(result.stdout).toContain(text);
    expect(result.exitCode).toBe(7);
  });

  test('zsh writes nothing into the template folder', async ({ skip }) => {
    const missing = notInstalled('zsh', 'script');
    skip(missing !== '', missing);
    const rc = 'HISTFILE=${ZDOTDIR:-$HOME}/.zsh_history SAVEHIST=9; autoload -Uz compinit; compinit -u\n';
    const row = { shell: 'zsh', folder: 'zsh', title: '', files: { '.zshrc': rc } };
    const { directory } = await start(row, ['printenv SESSAPP_ENV', 'exit']);
    expect(readdirSync(directory)).toEqual(expect.arrayContaining(['.zsh_history', '.zcompdump']));
    expect(readdirSync(join(startupTemplates, 'zsh')).sort()).toEqual(['.zshenv', 'shell.json']);
  });

  test('csh has no startup hook, and its shell.json says so', () => {
    expect(readStartup('csh')).toMatchObject({ activates: false, args: [], env: {} });
  });

  test('each program name belongs to exactly one folder', () => {
    const names = readdirSync(startupTemplates).flatMap((folder) => readStartup(folder).names);
    expect(names.length).toBe(new Set(names).size);
  });

  // Neither Debian nor the npm registry has these shells.
  test.skip.each([['powershell'], ['cmd']])('%s is not tested: its shell is not packaged here', () => undefined);
});

let started = 0;

/** Starts a shell as `sessapp shell` does, and types into it. */
async function start(row: Case, lines: string[]): Promise<{ directory: string; environment: string; result: Result }> {
  const directory = join(root, `${row.shell}-${started++}`);
  const environment = makeEnvironment(join(directory, "it's $(my) env"));
  for (const [name, content] of Object.entries(row.files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  const { args, env } = readStartup(row.folder);
  const here = (text: string): string => text.replace('{here}', () => join(startupTemplates, row.folder));
  const users = { ...cleanEnvironment(directory), ...row.env?.(directory) };
  const kept = Object.keys(env).filter((name) => users[name] !== undefined);
  const words = [row.shell, ...args.map(here)].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const result = await runOnTerminal(words.join(' '), lines, directory, {
    ...users,
    ...Object.fromEntries(kept.map((name) => [`_SESSAPP_USER_${name}`, users[name]])),
    ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, here(value)])),
    _SESSAPP_SHELL_ENV: environment,
  });
  return { directory, environment, result };
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeEachShell, makeContext } from './case.ts';
import { cleanEnvironment, runOnTerminal } from './environments.ts';
import type { TestedShell } from './tested-shells.ts';

/** Texts that shells may expand in a prompt. Each has fewer special characters than the one before. */
const hostileTexts = [
  '한글 "$(touch pwned)" `touch pwned` $HOME ${HOME} \\w\\u\\$ %n%~%% ! !! ^A [x]',
  '\\w\\u\\\\ %n%~%% ! !! ^A [x]',
  "it's %n%~%% ^A [x]",
];

/** A shell option that affects the expansion of the prompt. */
interface Mode {
  title: string;
  args?: string[];
  before?: string;
  /** Typed after activation. */
  afterwards?: string;
  /** The expected prompt for a text that contains $, ` or \. */
  shown?: string;
}

const modes: Record<string, Mode[]> = {
  bash: [
    { title: 'default options' },
    { title: 'in POSIX mode', args: ['--posix'] },
    // The text is not shown: an escaped $ is wrong now, and an unescaped $ is expanded if the option is set later.
    { title: 'without promptvars', before: 'shopt -u promptvars', shown: 'sessapp' },
    {
      title: 'when promptvars is set later',
      before: 'shopt -u promptvars',
      afterwards: 'shopt -s promptvars',
      shown: 'sessapp',
    },
  ],
  zsh: [
    { title: 'default options' },
    { title: 'with prompt_subst', before: 'setopt prompt_subst' },
    { title: 'with prompt_subst and prompt_bang', before: 'setopt prompt_subst prompt_bang' },
    { title: 'when prompt_subst and prompt_bang are set later', afterwards: 'setopt prompt_subst prompt_bang' },
    { title: 'with ksh_arrays', before: 'setopt ksh_arrays' },
  ],
};

describeEachShell(
  (shell) => {
    const rows = (modes[shell.name] ?? [{ title: 'default options' }]).flatMap((mode) =>
      hostileTexts.map((text) => ({ ...mode, text })),
    );
    test.concurrent.each(rows)(
      'shows a hostile text literally on a terminal, and removes it on deactivate: $title: $text',
      async ({ text, ...mode }) => {
        const { active, gone, directory } = await typeInto(shell, mode, `${text}\n`);
        const shown = /[$`\\]/.test(text) ? (mode.shown ?? text) : text;
        expect(active).toContain(`(${shown}) orig> `);
        expect(gone).toContain('orig> ');
        expect(gone).not.toContain(`(${shown})`);
        expect(existsSync(join(directory, 'pwned'))).toBe(false);
      },
    );

    test.concurrent('shows the name of the directory on a terminal', async () => {
      const { active } = await typeInto(shell, { title: '' });
      expect(active).toContain('(my env) orig> ');
    });
  },
  ['script'],
);

/** Activates and deactivates on a terminal. Returns the output during activation and afterwards. */
async function typeInto(
  shell: TestedShell,
  mode: Mode,
  text?: string,
): Promise<{ active: string; gone: string; directory: string }> {
  const context = makeContext(shell, 'my env', text);
  const { directory } = context;
  const lines = [
    shell.dialect.prompt(context.word('orig> ')),
    mode.before ?? ':',
    context.activate(),
    mode.afterwards ?? ':',
    'echo act""ive',
    'deactivate',
    'echo go""ne',
    'exit',
  ];
  const command = [shell.name, ...(mode.args ?? []), ...shell.interactiveArgs].join(' ');
  const { stdout } = await runOnTerminal(command, lines, directory, cleanEnvironment(directory));
  const at = stdout.lastIndexOf('gone');
  return { active: stdout.slice(stdout.indexOf('active'), at), gone: stdout.slice(at), directory };
}

import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { notInstalled } from '../../support/programs.ts';
import {
  activateVirtualenv,
  type Context,
  describeEachShell,
  dump,
  hasPython,
  leaveByOurName,
  makeContext,
  onlyWithPython,
  runCase,
  virtualenv,
} from './case.ts';
import { activateTemplates, cleanEnvironment, readShellLayer, run, scriptOf } from './environments.ts';
import { type TestedShell, testedShells } from './tested-shells.ts';

describeEachShell((shell) => {
  test.concurrent('refuses a directory with a colon in its name, and changes nothing', async () => {
    const context = makeContext(shell, 'a:b');
    const { stdout, stderr, dumps } = await runCase(context, [
      dump(shell, 'before'),
      shell.dialect.attempt(context.activate()),
      dump(shell, 'after'),
    ]);
    expect(stderr).toContain(`${context.environment} cannot be activated: a colon in its name`);
    expect(stdout).toBe('1\n');
    expect(dumps('after')).toEqual(dumps('before'));
  });

  test.concurrent('refuses a directory without its sessapp.json', async () => {
    const context = makeContext(shell, 'no marker');
    renameSync(join(context.environment, 'sessapp.json'), join(context.environment, 'was-sessapp.json'));
    const { stdout, stderr } = await runCase(context, [shell.dialect.attempt(context.activate())]);
    expect(stderr).toContain('its sessapp.json is missing');
    expect(stdout).toBe('1\n');
  });

  test.concurrent('when it is executed instead of sourced, the script prints the command to source it', async () => {
    const context = makeContext(shell, 'it\'s "$(touch pwned)" a\\b! 환경');
    const script = join(context.environment, 'bin', scriptOf(shell.family));
    const args = shell.args.filter((arg) => arg !== '--interactive');
    const result = await run(shell.name, [...args, script], context.directory, cleanEnvironment(context.directory));
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    const line = result.stderr.trimEnd().split('\n').at(-1)?.trim() ?? '';
    const again = await runCase(context, [line, 'printenv SESSAPP_ENV']);
    expect(again.stdout).toBe(`${context.environment}\n`);
  });

  test.concurrent('shows the text of prompt.txt literally, or the name of the directory if there is none', async () => {
    const text = '한글 "$(touch pwned)" `touch pwned` \\w \\u %n %~ !! ^A $HOME ${HOME}';
    const named = makeContext(shell, 'my env');
    const customized = makeContext(shell, 'my env', `${text}\nsecond line\n`);
    const show = ({ activate }: Context): string[] => [
      shell.dialect.prompt(named.word('orig> ')),
      activate(),
      'printenv SESSAPP_PROMPT',
      shell.dialect.showPrompt,
    ];
    const plain = await runCase(named, show(named));
    expect(plain.stdout).toMatch(/^my env\n/);
    expect(plain.stdout).toMatch(/orig> $/);
    const { stdout, stderr } = await runCase(customized, show(customized));
    expect(stderr).toBe('');
    expect(stdout.split('\n')[0]).toBe(text);
  });

  test.concurrent('replaces control characters in prompt.txt', async () => {
    const context = makeContext(shell, 'my env', 'a\tb\x1b[31mc\rd\n');
    const { stdout } = await runCase(context, [context.activate(), 'printenv SESSAPP_PROMPT']);
    expect(stdout).toBe('a?b?[31mc?d\n');
  });

  test.concurrent('finds the programs of the environment, with bin before node_modules/.bin', async () => {
    const context = makeContext(shell, 'my env');
    const { stdout } = await runCase(context, [context.activate(), 'which-place', shell.dialect.attempt('deactivate')]);
    expect(stdout).toBe('bin\n0\n');
  });

  test.concurrent("runs the environment's own sessapp in any directory, even if another one is on the PATH", async () => {
    const context = makeContext(shell, 'myenv');
    writeFileSync(join(context.directory, 'sessapp'), '#!/bin/sh\necho another\n', { mode: 0o755 });
    const own = join(context.environment, 'node_modules', '.bin', 'sessapp');
    const { stdout } = await runCase(context, [
      shell.dialect.prependPath(context.word(context.directory)),
      'sessapp',
      context.activate(),
      'cd /',
      'sessapp',
      shell.dialect.locate('sessapp'),
      'deactivate',
      'sessapp',
    ]);
    expect(stdout).toBe(`another\nits own\n${own}\nanother\n`);
  });

  test.concurrent('deactivate keeps entries that were added to PATH after activation', async () => {
    const context = makeContext(shell, 'my env');
    const added =
      shell.family === 'fish' ? 'set PATH /first $PATH /last' : shell.dialect.export('PATH', '"/first:${PATH}:/last"');
    const { stdout } = await runCase(context, [context.activate(), added, 'deactivate', 'printenv PATH']);
    expect(stdout).toBe(`/first:${process.env.PATH}:/last\n`);
  });

  test.concurrent('deactivate restores an existing deactivate function', async () => {
    const context = makeContext(shell, 'my env');
    const { stdout } = await runCase(context, [
      shell.dialect.define('deactivate', context.word('theirs')),
      context.activate(),
      leaveByOurName(shell),
      'deactivate',
    ]);
    expect(stdout).toBe('theirs\n');
  });

  test
    .skipIf(!hasPython)
    .concurrent(
      `after deactivate, a Python virtualenv that was active before still works${onlyWithPython}`,
      async () => {
        const context = makeContext(shell, 'my env');
        const { stdout, dumps } = await runCase(context, [
          shell.dialect.prompt(context.word('orig> ')),
          dump(shell, 'before'),
          activateVirtualenv(shell),
          context.activate(),
          leaveByOurName(shell),
          'printenv VIRTUAL_ENV',
          'deactivate',
          dump(shell, 'after'),
        ]);
        expect(stdout).toBe(`${virtualenv()}\n`);
        expect({ ...dumps('after').env, PS1: '' }).toEqual({ ...dumps('before').env, PS1: '' });
      },
    );

  test
    .skipIf(!hasPython)
    .concurrent(
      `stays active when a Python virtualenv is activated later, and sessapp_deactivate deactivates it${onlyWithPython}`,
      async () => {
        const context = makeContext(shell, 'my env');
        const { stdout, dumps } = await runCase(context, [
          shell.dialect.prompt(context.word('orig> ')),
          dump(shell, 'before'),
          context.activate(),
          activateVirtualenv(shell),
          'deactivate',
          'printenv SESSAPP_ENV',
          'which-place',
          'sessapp_deactivate',
          dump(shell, 'after'),
        ]);
        expect(stdout).toBe(`${context.environment}\nbin\n`);
        expect({ ...dumps('after').env, PS1: '' }).toEqual({ ...dumps('before').env, PS1: '' });
        expect(dumps('after').names.filter((name) => /sessapp/i.test(name))).toEqual([]);
      },
    );

  test
    .skipIf(!hasPython)
    .concurrent(
      `can be deactivated without breaking a Python virtualenv activated later${onlyWithPython}`,
      async () => {
        const context = makeContext(shell, 'my env');
        const { stdout } = await runCase(context, [
          context.activate(),
          activateVirtualenv(shell),
          'sessapp_deactivate',
          'printenv PATH',
          shell.dialect.attempt('deactivate'),
        ]);
        expect(stdout).toBe(`${virtualenv()}/bin:${process.env.PATH}\n0\n`);
      },
    );

  const { subshell } = shell.dialect;
  const inSubshells = subshell ? [subshell] : [];
  test.concurrent.for(inSubshells)('activation in a subshell ends with the subshell', async (inSubshell) => {
    const context = makeContext(shell, 'my env');
    const line = inSubshell(`${context.activate()}; printenv SESSAPP_ENV`);
    const { stdout, dumps } = await runCase(context, [dump(shell, 'before'), line, dump(shell, 'after')]);
    expect(stdout).toBe(`${context.environment}\n`);
    expect(dumps('after')).toEqual(dumps('before'));
  });

  test.concurrent('works when it is sourced from a sourced file', async () => {
    const context = makeContext(shell, 'my env');
    const outer = join(context.directory, 'activate');
    writeFileSync(outer, `${context.activate()}\n`);
    const line = readShellLayer(shell.family).activate.replace('{script}', () => context.word(outer));
    const { stdout } = await runCase(context, [line, 'printenv SESSAPP_ENV']);
    expect(stdout).toBe(`${context.environment}\n`);
  });

  const refused = shell.family === 'csh' ? ['new\nline'] : [];
  test.concurrent.for(refused)('refuses a directory with a newline in its name: %j', async (name) => {
    const context = makeContext(shell, name);
    const { stdout, stderr } = await runCase(context, [shell.dialect.attempt(context.activate())]);
    expect(stderr).toContain('its path has a newline');
    expect(stdout).toBe('1\n');
  });
});

const withoutDash = notInstalled('dash');

describe.skipIf(withoutDash !== '')(`dash${withoutDash}`, () => {
  const shell = testedShells.find(({ name }) => name === 'dash') as TestedShell;

  test('keeps an existing deactivate function, and prints the command to use instead', async () => {
    const context = makeContext(shell, 'my env');
    const { stdout, stderr } = await runCase(context, [
      'deactivate() { echo theirs; }',
      context.activate(),
      'deactivate',
    ]);
    expect(stdout).toBe('theirs\n');
    expect(stderr).toContain('type: sessapp_deactivate');
  });

  test('uses the environment of the working directory when the path of the script is unknown', async () => {
    const context = makeContext(shell, 'my env');
    const { stdout, stderr } = await runCase(context, [
      `cd ${context.word(join(context.environment, 'node_modules'))}`,
      'cat ../bin/activate | { . /dev/stdin; printenv SESSAPP_ENV; }',
    ]);
    expect(stdout).toBe(`${context.environment}\n`);
    expect(stderr).toContain(`Using the environment around this directory: ${context.environment}\n`);
  });
});

describe('every script', () => {
  const scripts = readdirSync(activateTemplates).flatMap((family) =>
    readdirSync(join(activateTemplates, family)).map((name) => [`${family}/${name}`]),
  );

  test.each(scripts)('%s has no placeholder', (script) => {
    const text = readFileSync(join(activateTemplates, script), 'utf8');
    expect(text).not.toMatch(/__[A-Z]+(_[A-Z]+)*__|\{\{|<%|@[A-Z_]+@/);
  });

  // Neither Debian nor the npm registry has these shells. Their scripts have never been run.
  test.skip.each([['powershell'], ['batch']])('%s is not tested: its shell is not packaged here', () => undefined);
});

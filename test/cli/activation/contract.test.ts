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

  test.concurrent('says how to source it when it is executed', async () => {
    const context = makeContext(shell, 'it\'s "$(touch pwned)" a\\b! 환경');
    const script = join(context.environment, 'bin', scriptOf(shell.family));
    const args = shell.args.filter((arg) => arg !== '--interactive');
    const result = await run(shell.name, [...args, script], context.directory, cleanEnvironment(context.directory));
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    const line = result.stderr.trimEnd().split('\n').at(-1)?.trim() ?? '';
    const again = await runCase(context, [line, 'printenv SESSAPP_ENV']);
    expect(again.stdout).toBe(`${context.environment}\n`);
  });

  test.concurrent('shows the text of prompt.txt literally, and else the name of the directory', async () => {
    const text = '한글 "$(touch pwned)" `touch pwned` \\w \\u %n %~ !! ^A $HOME ${HOME}';
    const named = makeContext(shell, 'my env');
    const told = makeContext(shell, 'my env', `${text}\nsecond line\n`);
    const show = ({ activate }: Context): string[] => [
      shell.dialect.prompt(named.word('orig> ')),
      activate(),
      'printenv SESSAPP_PROMPT',
      shell.dialect.showPrompt,
    ];
    const plain = await runCase(named, show(named));
    expect(plain.stdout).toMatch(/^my env\n/);
    expect(plain.stdout).toMatch(/orig> $/);
    const { stdout, stderr } = await runCase(told, show(told));
    expect(stderr).toBe('');
    expect(stdout.split('\n')[0]).toBe(text);
  });

  test.concurrent('replaces the control characters of a text', async () => {
    const context = makeContext(shell, 'my env', 'a\tb\x1b[31mc\rd\n');
    const { stdout } = await runCase(context, [context.activate(), 'printenv SESSAPP_PROMPT']);
    expect(stdout).toBe('a?b?[31mc?d\n');
  });

  test.concurrent('finds the programs of the environment, those in bin first', async () => {
    const context = makeContext(shell, 'my env');
    const { stdout } = await runCase(context, [context.activate(), 'which-place', shell.dialect.attempt('deactivate')]);
    expect(stdout).toBe('bin\n0\n');
  });

  test.concurrent("finds the environment's own sessapp from any directory, before another one on the PATH", async () => {
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

  test.concurrent('keeps what was added to PATH while it was active', async () => {
    const context = makeContext(shell, 'my env');
    const added =
      shell.family === 'fish' ? 'set PATH /first $PATH /last' : shell.dialect.export('PATH', '"/first:${PATH}:/last"');
    const { stdout } = await runCase(context, [context.activate(), added, 'deactivate', 'printenv PATH']);
    expect(stdout).toBe(`/first:${process.env.PATH}:/last\n`);
  });

  test.concurrent("gives somebody else's deactivate back in working order", async () => {
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
    .concurrent(`leaves a Python virtualenv around it in working order${onlyWithPython}`, async () => {
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
    });

  test
    .skipIf(!hasPython)
    .concurrent(`stays active under a Python virtualenv, and ends by its other name${onlyWithPython}`, async () => {
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
    });

  test.skipIf(!hasPython).concurrent(`ends below a Python virtualenv without harming it${onlyWithPython}`, async () => {
    const context = makeContext(shell, 'my env');
    const { stdout } = await runCase(context, [
      context.activate(),
      activateVirtualenv(shell),
      'sessapp_deactivate',
      'printenv PATH',
      shell.dialect.attempt('deactivate'),
    ]);
    expect(stdout).toBe(`${virtualenv()}/bin:${process.env.PATH}\n0\n`);
  });

  const { subshell } = shell.dialect;
  const inSubshells = subshell ? [subshell] : [];
  test.concurrent.for(inSubshells)('works in a subshell, and ends with it', async (inSubshell) => {
    const context = makeContext(shell, 'my env');
    const line = inSubshell(`${context.activate()}; printenv SESSAPP_ENV`);
    const { stdout, dumps } = await runCase(context, [dump(shell, 'before'), line, dump(shell, 'after')]);
    expect(stdout).toBe(`${context.environment}\n`);
    expect(dumps('after')).toEqual(dumps('before'));
  });

  test.concurrent('works when a file that is sourced sources it', async () => {
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

  test("leaves somebody else's deactivate alone, and says what to type", async () => {
    const context = makeContext(shell, 'my env');
    const { stdout, stderr } = await runCase(context, [
      'deactivate() { echo theirs; }',
      context.activate(),
      'deactivate',
    ]);
    expect(stdout).toBe('theirs\n');
    expect(stderr).toContain('type: sessapp_deactivate');
  });

  test('takes the environment around the working directory when nothing tells where the script is', async () => {
    const context = makeContext(shell, 'my env');
    const { stdout, stderr } = await runCase(context, [
      `cd ${context.word(join(context.environment, 'node_modules'))}`,
      'cat ../bin/activate | { . /dev/stdin; printenv SESSAPP_ENV; }',
    ]);
    expect(stdout).toBe(`${context.environment}\n`);
    expect(stderr).toContain(`taking the environment around this directory: ${context.environment}\n`);
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

  // They cannot be had from Debian or the npm registry; their scripts were written with care and never run.
  test.skip.each([['powershell'], ['batch']])('%s is not tested: its shell is not packaged here', () => undefined);
});

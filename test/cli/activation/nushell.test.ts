import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isInstalled, notInstalled } from '../../support/programs.ts';
import { repository } from '../../support/sandbox.ts';
import {
  activationLine,
  appendLine,
  cleanEnvironment,
  makeDirectory,
  makeEnvironment,
  quoteWord,
  readShellLayer,
  removeDirectory,
  run,
  runOnTerminal,
  unsetLine,
} from './environments.ts';

let directory: string;
let env: NodeJS.ProcessEnv;
const startup = join(repository, 'templates', 'shells', 'nu', 'shell.json');
beforeAll(() => {
  directory = makeDirectory();
  env = { ...cleanEnvironment(directory), NODE_PATH: '/elsewhere', NO_COLOR: '1' };
});
afterAll(() => removeDirectory(directory));

const nu = (program: string[]) => run('nu', ['--no-config-file', '--commands', program.join('\n')], directory, env);
const state = '{path: $env.PATH, node: $env.NODE_PATH?, sessapp: $env.SESSAPP_ENV?, prompt: $env.SESSAPP_PROMPT?}';
const print = `print (${state} | to json --raw)`;

// Install Nushell from the npm registry: npm install --global nushell
describe.skipIf(!isInstalled('nu'))(
  `nu${isInstalled('nu') ? '' : ' (not installed: npm install --global nushell)'}`,
  () => {
    test.each([
      'plain',
      'a b',
      `it's "so"`,
      '$(touch pwned)',
      '`x`; exit 1',
      '-dash',
      '🌊 환경',
      'back\\slash',
      '(1 + 1)',
    ])('in a directory named %s, deactivate restores the state before activation', async (name) => {
      const environment = makeEnvironment(join(directory, name));
      const { stdout, stderr } = await nu([
        print,
        activationLine('nu', environment),
        print,
        'print (which-place)',
        'print (sessapp)',
        'print (do $env.PROMPT_COMMAND)',
        'deactivate',
        print,
      ]);
      expect(stderr).toBe('');
      const [before = '', active = '', place, own, prompt, after] = stdout.trimEnd().split('\n');
      const { path } = JSON.parse(before) as { path: string[] };
      expect(JSON.parse(active)).toEqual({
        path: [join(environment, 'bin'), join(environment, 'node_modules/.bin'), ...path],
        node: null,
        sessapp: environment,
        prompt: name,
      });
      expect([place, own]).toEqual(['bin', 'its own']);
      expect(prompt?.startsWith(`(${name}) `)).toBe(true);
      expect(after).toBe(before);
      expect(readdirSync(directory)).not.toContain('pwned');
    });

    const withoutScript = notInstalled('script');
    test.skipIf(withoutScript !== '')(`is activated when sessapp shell starts it${withoutScript}`, async () => {
      const environment = makeEnvironment(join(directory, "it's $(my) env"));
      const { args } = JSON.parse(readFileSync(startup, 'utf8')) as { args: [option: string, commands: string] };
      const script = quoteWord(readShellLayer('nu'), join(environment, 'bin', 'activate.nu'));
      const commands = `${args[1].replace('{script}', () => script)}; ${print}; print ($env._SESSAPP_SHELL_ENV? == null); exit 7`;
      const file = join(directory, 'commands');
      writeFileSync(file, commands);
      const started = await runOnTerminal(`nu --no-config-file ${args[0]} "$(cat commands)"`, [], directory, {
        ...env,
        _SESSAPP_SHELL_ENV: environment,
      });
      expect(started.stdout).toContain(`"sessapp":${JSON.stringify(environment)}`);
      expect(started.stdout).toContain('\ntrue\n');
      expect(started.exitCode).toBe(7);
    });

    test('the commands that doctor prints append a line to a file and unset a variable', async () => {
      const path = join(directory, "it's $x; file");
      writeFileSync(path, 'first\n');
      const { stdout } = await nu([appendLine('nu', 'A=b', path), unsetLine('nu', 'NODE_PATH'), print]);
      expect(readFileSync(path, 'utf8')).toBe('first\nA=b\n');
      expect(JSON.parse(stdout)).toMatchObject({ node: null });
    });

    test('after two activations, one deactivate is enough', async () => {
      const line = activationLine('nu', makeEnvironment(join(directory, 'twice')));
      const { stdout } = await nu([print, line, line, 'deactivate', print]);
      const [before, after] = stdout.trimEnd().split('\n');
      expect(after).toBe(before);
    });

    test('shows the text of prompt.txt, unless SESSAPP_DISABLE_PROMPT is set', async () => {
      const line = activationLine('nu', makeEnvironment(join(directory, 'named'), '$(x) `y`\n'));
      const shown = await nu([line, 'print (do $env.PROMPT_COMMAND)']);
      expect(shown.stdout).toMatch(/^\(\$\(x\) `y`\) /);
      const plain = await nu([
        '$env.PROMPT_COMMAND = "mine"',
        '$env.SESSAPP_DISABLE_PROMPT = "1"',
        line,
        'print $env.PROMPT_COMMAND',
      ]);
      expect(plain.stdout).toBe('mine\n');
    });

    test('refuses a directory with a colon in its name, and refuses to be executed', async () => {
      const environment = makeEnvironment(join(directory, 'a:b'));
      const refused = await nu([activationLine('nu', environment)]);
      expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('separates entries in PATH') });
      const executed = await run(
        'nu',
        [join(makeEnvironment(join(directory, 'run')), 'bin', 'activate.nu')],
        directory,
        env,
      );
      expect(executed).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('overlay use') });
    });
  },
);

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { isInstalled, notInstalled } from '../../support/programs.ts';
import type { Result } from '../../support/sandbox.ts';
import {
  activationLine,
  cleanEnvironment,
  makeDirectory,
  makeEnvironment,
  quoteWord,
  readShellLayer,
  removeDirectory,
  run,
  scriptOf,
} from './environments.ts';
import { type TestedShell, testedShells } from './tested-shells.ts';

/** The setup of a test case. */
export interface Context {
  shell: TestedShell;
  environment: string;
  /** The working directory, used by this case only. */
  directory: string;
  /** The command that activates the environment, or another one. */
  activate: (environment?: string) => string;
  /** Quotes a word. */
  word: (text: string) => string;
}

let root = '';
let cases = 0;

/** Runs the same tests in each shell. A missing shell is skipped; the title says what to install. */
export function describeEachShell(body: (shell: TestedShell) => void, needed: string[] = []): void {
  beforeAll(() => {
    root = makeDirectory();
    if (hasPython) execFileSync('python3', ['-m', 'venv', '--without-pip', join(root, 'venv')]);
  });
  afterAll(() => removeDirectory(root));
  for (const shell of testedShells) {
    const missing = notInstalled(shell.name, ...needed);
    describe.skipIf(missing !== '')(`${shell.name}${missing}`, () => body(shell));
  }
}

export const hasPython = isInstalled('python3');
/** The end of the title of a test that needs Python. */
export const onlyWithPython = notInstalled('python3');

export function virtualenv(): string {
  return join(root, 'venv');
}

export function makeContext(shell: TestedShell, name: string, prompt?: string): Context {
  const directory = join(root, `${shell.name}-${cases++}`);
  mkdirSync(directory);
  const environment = makeEnvironment(join(directory, name), prompt);
  const layer = readShellLayer(shell.family);
  return {
    shell,
    environment,
    directory,
    activate: (other = environment) => activationLine(shell.family, other),
    word: (text) => quoteWord(layer, text),
  };
}

/** The activation command for a path given as words. */
export function sourceLine({ shell, word }: Context, ...path: string[]): string {
  const script = path.at(-1) === '.' ? `./${scriptOf(shell.family)}` : join(...path, 'bin', scriptOf(shell.family));
  return readShellLayer(shell.family).activate.replace('{script}', () => word(script));
}

export function activateVirtualenv(shell: TestedShell): string {
  const layer = readShellLayer(shell.family);
  return layer.activate.replace('{script}', () => quoteWord(layer, join(virtualenv(), 'bin', scriptOf(shell.family))));
}

export interface Dump {
  env: Record<string, string>;
  names: string[];
  state: string[];
}

/** The commands that write the state of the shell to files. */
export function dump({ dialect, names, state }: TestedShell, label: string): string {
  return [
    dialect.into(state, `$DUMPS/${label}.state`),
    dialect.into(names, `$DUMPS/${label}.names`),
    dialect.into('env -0', `$DUMPS/${label}.env`),
  ].join('\n');
}

export async function runCase(
  { shell, directory, environment }: Context,
  lines: string[],
): Promise<Result & { dumps: (label: string) => Dump }> {
  const file = join(directory, 'case');
  writeFileSync(file, `${[shell.strict, ...lines].join('\n')}\n`);
  const env = {
    ...cleanEnvironment(directory),
    DUMPS: directory,
    ANY_SCRIPT: join(environment, 'bin', scriptOf(shell.family)),
  };
  const result = await run(shell.name, [...shell.args, file], directory, env);
  return { ...result, dumps: (label) => readDump(join(directory, label), shell) };
}

/** dash cannot save an existing `deactivate` function, so our function has another name there. */
export function leaveByOurName(shell: TestedShell): string {
  return shell.name === 'dash' ? 'sessapp_deactivate' : 'deactivate';
}

/** Variables that shells set themselves, at any time. */
const ownVariables = new Set(['_', 'A__z', '_AST_FEATURES']);

function readDump(path: string, { volatile }: TestedShell): Dump {
  const env = readFileSync(`${path}.env`, 'utf8').split('\0').filter(Boolean);
  const pairs = env.map((entry): [string, string] => {
    const at = entry.indexOf('=');
    return [entry.slice(0, at), entry.slice(at + 1)];
  });
  return {
    env: Object.fromEntries(pairs.filter(([name]) => !ownVariables.has(name))),
    names: readFileSync(`${path}.names`, 'utf8')
      .split('\n')
      .filter((name) => /^\w+$/.test(name) && !ownVariables.has(name)),
    // ksh prints a function sometimes with and sometimes without newlines at its end.
    state: readFileSync(`${path}.state`, 'utf8')
      .replace(/\}(?=set --default)/, '}\n')
      .split('\n')
      .filter((line) => line !== '' && !volatile.test(line)),
  };
}

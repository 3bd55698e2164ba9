import { spawn } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finish, type Result, repository } from '../../support/sandbox.ts';

export const activateTemplates = join(repository, 'templates', 'activate');

/** The description of the shell in a layer.json. */
export interface ShellLayer {
  names: string[];
  activate: string;
  append: string;
  unset: string;
  quote: { open: string; close: string; replace: [from: string, to: string][] };
}

export function readShellLayer(family: string): ShellLayer {
  const manifest = JSON.parse(readFileSync(join(activateTemplates, family, 'layer.json'), 'utf8'));
  return (manifest as { shell: ShellLayer }).shell;
}

/** The files of a shell family that are written into an environment. */
export function listScripts(family: string): string[] {
  return readdirSync(join(activateTemplates, family)).filter((name) => name !== 'layer.json');
}

export function scriptOf(family: string): string {
  const script = listScripts(family).find((name) => /^activate/i.test(name));
  if (script === undefined) throw new Error(`${family} has no script`);
  return script;
}

export function quoteWord({ quote }: ShellLayer, word: string): string {
  return quote.open + quote.replace.reduce((text, [from, to]) => text.replaceAll(from, to), word) + quote.close;
}

/** The activation command that sessapp prints. */
export function activationLine(family: string, environment: string): string {
  const layer = readShellLayer(family);
  const script = quoteWord(layer, join(environment, 'bin', scriptOf(family)));
  return layer.activate.replace('{script}', () => script);
}

/** The command that appends a line to a file, as doctor prints it. */
export function appendLine(family: string, line: string, file: string): string {
  const layer = readShellLayer(family);
  const words: Record<string, string> = { line: quoteWord(layer, line), file: quoteWord(layer, file) };
  return layer.append.replace(/\{(\w+)\}/g, (_, name: string) => words[name] ?? '');
}

export function unsetLine(family: string, name: string): string {
  return readShellLayer(family).unset.replace('{name}', name);
}

/** A directory for a test file. Its path contains no links, so that paths can be compared. */
export function makeDirectory(): string {
  return realpathSync(mkdtempSync(join(tmpdir(), 'sessapp-activation-')));
}

export function removeDirectory(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}

/** The files of an environment that activation needs. In each bin folder, a program prints the name of the folder. */
export function makeEnvironment(directory: string, prompt?: string): string {
  for (const place of ['bin', 'node_modules/.bin']) {
    mkdirSync(join(directory, place), { recursive: true });
    writeFileSync(join(directory, place, 'which-place'), `#!/bin/sh\necho ${place}\n`, { mode: 0o755 });
  }
  writeFileSync(join(directory, 'node_modules/.bin/sessapp'), `#!/bin/sh\necho its own\n`, { mode: 0o755 });
  for (const family of readdirSync(activateTemplates)) {
    for (const name of listScripts(family))
      copyFileSync(join(activateTemplates, family, name), join(directory, 'bin', name));
  }
  writeFileSync(join(directory, 'sessapp.json'), '{}\n');
  if (prompt !== undefined) writeFileSync(join(directory, 'bin', 'prompt.txt'), prompt);
  return directory;
}

/** A clean environment: the variables of the test process must not affect a shell. */
export function cleanEnvironment(home: string): NodeJS.ProcessEnv {
  const { PATH } = process.env;
  return { PATH, HOME: home, LC_ALL: 'C.UTF-8', TERM: 'xterm', XDG_CONFIG_HOME: home, XDG_DATA_HOME: home };
}

export async function run(file: string, args: string[], cwd: string, env: NodeJS.ProcessEnv): Promise<Result> {
  return finish(spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** Types lines into a program on a terminal. Returns the output of the terminal without control sequences. */
export async function runOnTerminal(
  command: string,
  lines: string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<Result> {
  const child = spawn('script', ['-qec', `stty cols 500 rows 50 -echo; ${command}`, '/dev/null'], {
    cwd,
    env,
    stdio: 'pipe',
  });
  child.stdin.end(`${lines.join('\n')}\n`);
  const result = await finish(child);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it matches control sequences
  return { ...result, stdout: result.stdout.replace(/\x1b(\[[0-9;?<>=]*[a-zA-Z]|[()]B|[=>]|\][^\x07]*\x07)|\r/g, '') };
}

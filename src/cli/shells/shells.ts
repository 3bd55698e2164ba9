import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import type { System } from '../../system.ts';
import { listAncestors } from '../environment/process-identity.ts';
import { templatesDirectory } from '../package.ts';

/** A shell, as described in its folder of the templates. */
export interface Shell {
  /** The activation script in the environment's `bin`. */
  script: string;
  /** The program names of the shell, as in the variable SHELL. */
  names: string[];
  /** The command that activates; `{script}` stands for the quoted path. */
  activate: string;
  /** The command that appends a line to a file; `{line}` and `{file}` stand for quoted words. */
  append: string;
  /** The command that unsets a variable; `{name}` stands for its name. */
  unset: string;
  quote: { open: string; close: string; replace: [from: string, to: string][] };
}

/** The shell of the user, for its syntax. An unknown shell counts as a POSIX shell. */
export async function currentShell(system: System): Promise<Shell> {
  const shells = await listShells();
  const name = basename(await currentShellProgram(system));
  const shell = shells.find(({ names }) => names.includes(name)) ?? shells.find(({ names }) => names.includes('sh'));
  if (!shell) throw new Error('the templates lack a POSIX shell');
  return shell;
}

/** The program of the interactive shell that started this command. Without a terminal: the value of SHELL. */
export async function currentShellProgram({ env, stdin }: System): Promise<string> {
  const known = (await listShells()).flatMap(({ names }) => names);
  const ancestors = stdin.isTTY ? await listAncestors() : [];
  // npx starts commands through sh, which is dash on some systems.
  const nearest = ancestors.find((name) => known.includes(name) && name !== 'sh' && name !== 'dash');
  return nearest ?? (env.SHELL || (process.platform === 'win32' ? 'pwsh' : '/bin/sh'));
}

/** Quotes a word so that the shell reads exactly this text. A word that needs no quotes is returned unchanged. */
export function quoteWord({ quote }: Shell, word: string): string {
  if (/^[\w./@+,-][\w./@+=:,-]*$/.test(word)) return word;
  const inner = quote.replace.reduce((text, [from, to]) => text.replaceAll(from, to), word);
  return quote.open + inner + quote.close;
}

/** The command line that activates the environment, relative to the working directory. */
export function activationLine(system: System, shell: Shell, directory: string): string {
  const near = nearPath(system.cwd, join(directory, 'bin', shell.script));
  // The shell would search the PATH for a name without a slash.
  const script = near.includes('/') ? near : `./${near}`;
  return fill(shell.activate, { script: quoteWord(shell, script) });
}

/**
 * The command line of a sessapp command for this environment, relative to the working directory.
 * @param name one of `listCommands`
 */
export async function commandLine(
  system: System,
  directory: string,
  name: string,
  ...words: string[]
): Promise<string> {
  const environment = await environmentArguments(system, directory, name);
  return quoteLine(system, ...invocation(system), ...name.split(' '), ...environment, ...words);
}

/** The arguments that name this environment. `init` needs them always: without a name, it means the working directory. */
async function environmentArguments(system: System, directory: string, name: string): Promise<string[]> {
  if (isDefaultEnvironment(system, directory) && name !== 'init') return [];
  const near = nearPath(system.cwd, directory);
  return (await system.takesDirectory(name)) ? [near] : ['-e', near];
}

/** Any other command line, with each word quoted for the user's shell. */
export async function quoteLine(system: System, ...words: string[]): Promise<string> {
  const shell = await currentShell(system);
  return words.map((word) => quoteWord(shell, word)).join(' ');
}

/** The command line that appends a line to a file. */
export async function appendLine(system: System, line: string, path: string): Promise<string> {
  const shell = await currentShell(system);
  const file = nearPath(system.cwd, path);
  return fill(shell.append, { line: quoteWord(shell, line), file: quoteWord(shell, file) });
}

/** The command line that unsets a variable. */
export async function unsetLine(system: System, name: string): Promise<string> {
  return fill((await currentShell(system)).unset, { name });
}

function fill(notation: string, words: Record<string, string>): string {
  return notation.replace(/\{(\w+)\}/g, (whole, name: string) => words[name] ?? whole);
}

/** True when a command without an environment argument works on this environment. */
function isDefaultEnvironment({ env, cwd }: System, directory: string): boolean {
  if (env.SESSAPP_ENV) return resolve(cwd, env.SESSAPP_ENV) === directory;
  return !relative(directory, cwd).startsWith('..');
}

/** How the user calls this command: npx sets npm_command for the programs that it runs. */
function invocation({ env }: System): string[] {
  return env.npm_command === 'exec' ? ['npx', 'sessapp'] : ['sessapp'];
}

/** The path relative to `cwd` if it is inside, else the absolute path. It never looks like an option. */
export function nearPath(cwd: string, path: string): string {
  const near = relative(cwd, path);
  if (near.startsWith('..')) return path;
  return near === '' ? '.' : near.startsWith('-') ? `./${near}` : near;
}

async function listShells(): Promise<Shell[]> {
  const root = join(templatesDirectory, 'activate');
  const folders = await readdir(root);
  return Promise.all(folders.map((folder) => readShell(join(root, folder))));
}

async function readShell(folder: string): Promise<Shell> {
  const files = await readdir(folder);
  const { shell } = JSON.parse(await readFile(join(folder, 'layer.json'), 'utf8')) as { shell: Omit<Shell, 'script'> };
  const script = files.find((file) => file.toLowerCase().startsWith('activate'));
  return { ...shell, script: script ?? 'activate' };
}

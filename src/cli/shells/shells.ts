import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import type { System } from '../../system.ts';
import { listAncestors } from '../environment/process-identity.ts';
import { templatesDirectory } from '../package.ts';

/** What a shell's folder in the templates says about it. */
export interface Shell {
  /** The file in the environment's `bin`. */
  script: string;
  /** The names of the programs, as in the variable SHELL. */
  names: string[];
  /** The line that activates; `{script}` stands for the quoted path. */
  activate: string;
  /** The line that adds a line to a file: `{line}` and `{file}` stand for quoted words. */
  append: string;
  /** The line that unsets a variable; `{name}` stands for its name. */
  unset: string;
  quote: { open: string; close: string; replace: [from: string, to: string][] };
}

/** How the shell is written that the user sits in; the POSIX way where it is none that is known. */
export async function currentShell(system: System): Promise<Shell> {
  const shells = await listShells();
  const name = basename(await currentShellProgram(system));
  const shell = shells.find(({ names }) => names.includes(name)) ?? shells.find(({ names }) => names.includes('sh'));
  if (!shell) throw new Error('the templates lack a POSIX shell');
  return shell;
}

/** The program of the shell that the user sits in; where nobody sits, the one that the variable SHELL names. */
export async function currentShellProgram({ env, stdin }: System): Promise<string> {
  const known = (await listShells()).flatMap(({ names }) => names);
  const ancestors = stdin.isTTY ? await listAncestors() : [];
  // npx starts what it runs through sh, which is dash on some systems.
  const nearest = ancestors.find((name) => known.includes(name) && name !== 'sh' && name !== 'dash');
  return nearest ?? (env.SHELL || (process.platform === 'win32' ? 'pwsh' : '/bin/sh'));
}

/** A word that this shell reads as exactly this text; left as it is where nothing needs quoting. */
export function quoteWord({ quote }: Shell, word: string): string {
  if (/^[\w./@+,-][\w./@+=:,-]*$/.test(word)) return word;
  const inner = quote.replace.reduce((text, [from, to]) => text.replaceAll(from, to), word);
  return quote.open + inner + quote.close;
}

/** What to type to activate the environment, from the working directory. */
export function activationLine(system: System, shell: Shell, directory: string): string {
  const near = nearPath(system.cwd, join(directory, 'bin', shell.script));
  // A name without a slash would be looked for on the PATH.
  const script = near.includes('/') ? near : `./${near}`;
  return fill(shell.activate, { script: quoteWord(shell, script) });
}

/**
 * A sessapp command on this environment, as one would type it in the working directory.
 * @param name one of `listCommands`
 */
export async function commandLine(
  system: System,
  directory: string,
  name: string,
  ...words: string[]
): Promise<string> {
  const environment = await environmentWords(system, directory, name);
  return quoteLine(system, ...invocation(system), ...name.split(' '), ...environment, ...words);
}

/** These mean no environment that is not named. Without a name, `init` means the working directory. */
const alwaysNamed = ['init', 'remove'];

/** How a command names this environment. */
async function environmentWords(system: System, directory: string, name: string): Promise<string[]> {
  if (isMeantAnyway(system, directory) && !alwaysNamed.includes(name)) return [];
  const near = nearPath(system.cwd, directory);
  return (await system.takesDirectory(name)) ? [near] : ['-e', near];
}

/** Any other command line, each word as the user's shell reads it. */
export async function quoteLine(system: System, ...words: string[]): Promise<string> {
  const shell = await currentShell(system);
  return words.map((word) => quoteWord(shell, word)).join(' ');
}

/** What to type to add a line to a file. */
export async function appendLine(system: System, line: string, path: string): Promise<string> {
  const shell = await currentShell(system);
  const file = nearPath(system.cwd, path);
  return fill(shell.append, { line: quoteWord(shell, line), file: quoteWord(shell, file) });
}

/** What to type to unset a variable. */
export async function unsetLine(system: System, name: string): Promise<string> {
  return fill((await currentShell(system)).unset, { name });
}

function fill(notation: string, words: Record<string, string>): string {
  return notation.replace(/\{(\w+)\}/g, (whole, name: string) => words[name] ?? whole);
}

/** True when a command that names no environment means this one. */
function isMeantAnyway({ env, cwd }: System, directory: string): boolean {
  if (env.SESSAPP_ENV) return resolve(cwd, env.SESSAPP_ENV) === directory;
  return !relative(directory, cwd).startsWith('..');
}

/** How this tool is called: npx says so to what it runs. */
function invocation({ env }: System): string[] {
  return env.npm_command === 'exec' ? ['npx', 'sessapp'] : ['sessapp'];
}

/** The path from `cwd` when it is the shorter one, in a form that no command takes for an option. */
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

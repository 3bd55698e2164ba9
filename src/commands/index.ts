import { readdirSync } from 'node:fs';
import { extname, sep } from 'node:path';
import type { Command } from '../command.ts';

/**
 * The names of all commands. A file in this folder is a command of that name; a folder with an index is a group, whose
 * commands have two words: `secret list`.
 */
export function listCommands(): string[] {
  // Every command waits for this: without promises, no folder is a turn of the event loop.
  const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' });
  const modules = files.filter((file) => /\.[jt]s$/.test(file)).map((file) => file.slice(0, -extname(file).length));
  const names = modules.map((file) => file.split(sep));
  const isCommand = ([first, second]: string[]): boolean =>
    second === undefined ? first !== 'index' : second !== 'index' && modules.includes(`${first}${sep}index`);
  return names
    .filter((name) => name.length <= 2 && isCommand(name))
    .map((name) => name.join(' '))
    .sort();
}

/** @param name one of `listCommands` */
export async function loadCommand(name: string): Promise<Command> {
  return (await load<{ command: Command }>(name.replace(' ', '/'))).command;
}

/** True for a command whose operand is the environment, as in `serve [dir]`. @param name one of `listCommands` */
export async function takesDirectory(name: string): Promise<boolean> {
  const { operands = [] } = await loadCommand(name);
  return operands[0]?.[0] === '[dir]';
}

/** One line for `sessapp --help` about a group of commands. */
export async function loadGroupSummary(group: string): Promise<string> {
  return (await load<{ summary: string }>(`${group}/index`)).summary;
}

async function load<T>(module: string): Promise<T> {
  const file = new URL(`./${module}${extname(import.meta.url)}`, import.meta.url);
  return (await import(file.href)) as T;
}

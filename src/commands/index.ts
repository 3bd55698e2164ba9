import { readdir } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Command } from '../command.ts';

/** The names of all commands: a file in this folder is a command of that name. */
export async function listCommands(): Promise<string[]> {
  const files = await readdir(import.meta.dirname);
  return files
    .filter((file) => /^[a-z-]+\.[jt]s$/.test(file) && !file.startsWith('index.'))
    .map((file) => file.slice(0, -extname(file).length))
    .sort();
}

export async function loadCommand(name: string): Promise<Command> {
  const file = new URL(`./${name}${extname(import.meta.url)}`, import.meta.url);
  return ((await import(file.href)) as { command: Command }).command;
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { orUndefined } from '../../errors.ts';
import { envFileName, secretIdOf, secretVariable, splitSecrets } from '../../settings/secrets.ts';
import type { System } from '../../system.ts';
import { appendLine, commandLine, nearPath, quoteLine } from '../shells/shells.ts';
import type { CommandLine, Remedy, Subject } from './check.ts';

/** A sessapp command for this environment. */
export function sessapp(directory: string, name: string, ...words: string[]): CommandLine {
  return (system) => commandLine(system, directory, name, ...words);
}

/** A command whose last arguments are files or directories. */
export function typeOn(command: string[], ...paths: string[]): CommandLine {
  return (system) => quoteLine(system, ...command, ...paths.map((path) => nearPath(system.cwd, path)));
}

/** Renames a file or directory, so that nothing is lost. */
export function moveAside(path: string): CommandLine {
  return typeOn(['mv'], path, `${path}.damaged`);
}

/** How to add a line to a file. A command is safe only when the file ends with a line break. */
export async function addLine(path: string, line: string): Promise<Remedy> {
  const text = (await orUndefined(readFile(path, 'utf8'), 'ENOENT')) ?? '';
  const isAppendable = text === '' || text.endsWith('\n');
  return [isAppendable ? (system) => appendLine(system, line, path) : `Add a line to ${path}: ${line}`];
}

/** How to set a variable of the server. In `.env`, the last line of a name wins. */
export async function setVariable(
  { directory }: Subject,
  { env }: System,
  name: string,
  value: string | number,
): Promise<Remedy> {
  if (env[name]) return [`The environment variable ${name} overrides .env: set it to ${value}.`];
  return addLine(join(directory, envFileName), `${name}=${value}`);
}

const making = ['node', '-p', "require('crypto').randomBytes(32).toString('base64url')"];

/**
 * How to replace secrets. `secret rotate` makes a new one, and drops secrets that a server refuses.
 * @param leaked secrets to retire immediately; a new one is needed only if the newest secret is among them
 */
export function replaceSecrets({ directory, settings }: Subject, { env }: System, leaked?: string[]): Remedy {
  if (env[secretVariable])
    return [`The environment variable ${secretVariable} overrides .env: set it to a new secret.`, typeOn(making)];
  const [newest = ''] = splitSecrets(settings[secretVariable]);
  const rotate = leaked === undefined || leaked.includes(newest) ? [sessapp(directory, 'secret rotate')] : [];
  return [
    ...rotate,
    ...(leaked ?? []).map((secret) => sessapp(directory, 'secret retire', secretIdOf(secret), '--force')),
  ];
}

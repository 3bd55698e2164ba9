import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { orUndefined } from '../../errors.ts';
import { envFileName, secretIdOf, secretVariable, splitSecrets } from '../../settings/secrets.ts';
import type { System } from '../../system.ts';
import { appendLine, commandLine, nearPath, quoteLine } from '../shells/shells.ts';
import type { CommandLine, Remedy, Subject } from './check.ts';

/** A sessapp command on the environment. */
export function sessapp(directory: string, name: string, ...words: string[]): CommandLine {
  return (system) => commandLine(system, directory, name, ...words);
}

/** A command on files or directories, which come last. */
export function typeOn(command: string[], ...paths: string[]): CommandLine {
  return (system) => quoteLine(system, ...command, ...paths.map((path) => nearPath(system.cwd, path)));
}

/** Keeps what is there, under another name. */
export function moveAside(path: string): CommandLine {
  return typeOn(['mv'], path, `${path}.damaged`);
}

/** How to add a line to a file. It is a command only when the line would be one of its own. */
export async function addLine(path: string, line: string): Promise<Remedy> {
  const text = (await orUndefined(readFile(path, 'utf8'), 'ENOENT')) ?? '';
  const isAppendable = text === '' || text.endsWith('\n');
  return [isAppendable ? (system) => appendLine(system, line, path) : `Add a line to ${path}: ${line}`];
}

/** How to give the server a variable; of two lines of one name in `.env` the later counts. */
export async function setVariable(
  { directory }: Subject,
  { env }: System,
  name: string,
  value: string | number,
): Promise<Remedy> {
  if (env[name]) return [`${name} is set in the environment variables, which win over .env: set it to ${value} there.`];
  return addLine(join(directory, envFileName), `${name}=${value}`);
}

const making = ['node', '-p', "require('crypto').randomBytes(32).toString('base64url')"];

/**
 * How to get a new secret, with which those go that no server starts with.
 * @param leaked secrets to be rid of at once; a new one is needed only when the newest is one of them
 */
export function replaceSecrets({ directory, settings }: Subject, { env }: System, leaked?: string[]): Remedy {
  if (env[secretVariable])
    return [
      `${secretVariable} is set in the environment variables, which win over .env: set another there.`,
      typeOn(making),
    ];
  const [newest = ''] = splitSecrets(settings[secretVariable]);
  const rotate = leaked === undefined || leaked.includes(newest) ? [sessapp(directory, 'secret rotate')] : [];
  return [
    ...rotate,
    ...(leaked ?? []).map((secret) => sessapp(directory, 'secret retire', secretIdOf(secret), '--force')),
  ];
}

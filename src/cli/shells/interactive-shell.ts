import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { System } from '../../system.ts';
import type { Environment } from '../environment/find.ts';
import { templatesDirectory } from '../package.ts';
import { activate } from './activation.ts';
import { currentShell, currentShellProgram, quoteWord } from './shells.ts';

/** How to start a shell that activates an environment after the user's own startup files. */
interface Startup {
  names: string[];
  /** False when the shell has no startup hook: it gets the environment variables only. */
  activates: boolean;
  args: string[];
  env: Record<string, string>;
}

export interface ShellCommand {
  file: string;
  args: string[];
  env: NodeJS.ProcessEnv;
}

/** The command that starts the user's own shell inside the environment. */
export async function findShellCommand(system: System, environment: Environment): Promise<ShellCommand> {
  const { env, stdin } = system;
  const file = await currentShellProgram(system);
  const found = await findStartup(basename(file).toLowerCase());
  const activated = activate(environment, env);
  // Only an interactive shell reads startup files.
  if (!found?.startup.activates || !stdin.isTTY) return { file, args: [], env: activated };
  const { startup, folder } = found;
  const shell = await currentShell(system);
  const script = quoteWord(shell, join(environment.directory, 'bin', shell.script));
  const fill = (text: string): string => text.replaceAll('{here}', () => folder).replaceAll('{script}', () => script);
  const variables = Object.entries(startup.env).map(([name, value]): [string, string] => [name, fill(value)]);
  // The startup files restore the user's own values.
  const saved = variables.flatMap(([name]) => (env[name] === undefined ? [] : [[`_SESSAPP_USER_${name}`, env[name]]]));
  return {
    file,
    args: startup.args.map(fill),
    env: {
      ...env,
      ...Object.fromEntries(saved),
      ...Object.fromEntries(variables),
      _SESSAPP_SHELL_ENV: environment.directory,
    },
  };
}

async function findStartup(name: string): Promise<{ startup: Startup; folder: string } | undefined> {
  const root = join(templatesDirectory, 'shells');
  for (const entry of await readdir(root)) {
    const folder = join(root, entry);
    const startup = JSON.parse(await readFile(join(folder, 'shell.json'), 'utf8')) as Startup;
    if (startup.names.includes(name)) return { startup, folder };
  }
  return undefined;
}

import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { System } from '../../system.ts';
import type { Environment } from '../environment/find.ts';
import { templatesDirectory } from '../package.ts';
import { activate } from './activation.ts';
import { currentShell, currentShellProgram, quoteWord } from './shells.ts';

/** How a shell is started so that it activates an environment after the user's own start-up files. */
interface Startup {
  names: string[];
  /** False: this shell has no place for it; it gets the environment variables alone. */
  activates: boolean;
  args: string[];
  env: Record<string, string>;
}

export interface ShellCommand {
  file: string;
  args: string[];
  env: NodeJS.ProcessEnv;
}

/** The user's own shell, as it is to be started inside the environment. */
export async function findShellCommand(system: System, environment: Environment): Promise<ShellCommand> {
  const { env, stdin } = system;
  const file = await currentShellProgram(system);
  const found = await findStartup(basename(file).toLowerCase());
  const activated = activate(environment, env);
  // Only an interactive shell reads start-up files.
  if (!found?.startup.activates || !stdin.isTTY) return { file, args: [], env: activated };
  const { startup, folder } = found;
  const shell = await currentShell(system);
  const script = quoteWord(shell, join(environment.directory, 'bin', shell.script));
  const fill = (text: string): string => text.replaceAll('{here}', () => folder).replaceAll('{script}', () => script);
  const variables = Object.entries(startup.env).map(([name, value]): [string, string] => [name, fill(value)]);
  // The start-up files give the user's own values back.
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

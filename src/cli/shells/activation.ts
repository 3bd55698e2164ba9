import { delimiter, join } from 'node:path';
import type { Environment } from '../environment/find.ts';

/** The environment variables that `bin/activate` sets, for a child process. */
export function activate({ directory }: Environment, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_PATH: _, ...rest } = env;
  const first = binDirectories(directory);
  // Remove the PATH entries of another activated environment.
  const others = env.SESSAPP_ENV ? binDirectories(env.SESSAPP_ENV) : [];
  const path = (env.PATH ?? '').split(delimiter).filter((entry) => ![...first, ...others, ''].includes(entry));
  return { ...rest, SESSAPP_ENV: directory, PATH: [...first, ...path].join(delimiter) };
}

function binDirectories(directory: string): string[] {
  return [join(directory, 'bin'), join(directory, 'node_modules', '.bin')];
}

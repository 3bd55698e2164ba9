import { delimiter, join } from 'node:path';
import type { Environment } from './find.ts';

/** The environment variables of an activated environment: what `bin/activate` sets, for a child process. */
export function activate({ directory }: Environment, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { NODE_PATH: _, ...rest } = env;
  const first = [join(directory, 'bin'), join(directory, 'node_modules', '.bin')];
  const path = (env.PATH ?? '').split(delimiter).filter((entry) => entry !== '' && !first.includes(entry));
  return { ...rest, SESSAPP_ENV: directory, PATH: [...first, ...path].join(delimiter) };
}

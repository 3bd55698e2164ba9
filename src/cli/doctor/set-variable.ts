import { join } from 'node:path';
import { envFileName } from '../../settings/secrets.ts';
import { appendLine } from '../shells/shells.ts';
import type { System } from '../../system.ts';
import { type Subject, type } from './check.ts';
import { endsWithLine } from './text.ts';

/** How to give the server a variable; of two lines of one name in `.env` the later counts. */
export async function setVariable(
  { directory }: Subject,
  system: System,
  name: string,
  value: string | number,
): Promise<string> {
  if (system.env[name])
    return `${name} is set in the environment variables, which win over .env: set it to ${value} there.`;
  const path = join(directory, envFileName);
  const line = `${name}=${value}`;
  return (await endsWithLine(path)) ? type(await appendLine(system, line, path)) : `Add a line to ${path}: ${line}`;
}

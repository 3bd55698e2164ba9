import { isDeepStrictEqual, parseEnv } from 'node:util';
import { UserError } from '../../errors.ts';
import type { Environment } from '../environment/find.ts';
import { changeEnvFile } from './env-file.ts';

/** What variables are to hold; undefined: they are to go. */
export type VariableChanges = Record<string, string | undefined>;

/**
 * Sets variables in an environment's `.env`, and changes nothing else of it.
 * @throws UserError when it is written so that this cannot be done
 */
export async function setVariables(environment: Environment, changes: VariableChanges): Promise<void> {
  await changeEnvFile(environment, async ({ path, text }) => {
    const changed = Object.entries(changes).reduce((rest, [name, value]) => setIn(rest, name, value), text);
    if (isDeepStrictEqual({ ...parseEnv(changed) }, withChanges(text, changes)))
      return { text: changed, result: undefined };
    const names = Object.keys(changes).join(' and ');
    throw new UserError(
      'env-file-unclear',
      `${path} is not written so that its ${names} could be changed, and nothing else.`,
      `Give ${names} a line of its own each, such as ${names.split(' ')[0]}=…, then run the same command again.`,
    );
  });
}

function setIn(text: string, name: string, value: string | undefined): string {
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  const kept = text.replace(new RegExp(`(?<=^|\\n)[ \\t]*(?:export )?[ \\t]*${name}[ \\t]*=[^\\n]*(?:\\n|$)`, 'g'), '');
  if (value === undefined) return kept;
  return `${kept}${kept === '' || kept.endsWith('\n') ? '' : end}${name}=${value}${end}`;
}

function withChanges(text: string, changes: VariableChanges): NodeJS.Dict<string> {
  return Object.fromEntries(
    Object.entries({ ...parseEnv(text), ...changes }).filter(([, value]) => value !== undefined),
  );
}

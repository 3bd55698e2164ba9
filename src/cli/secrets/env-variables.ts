import { isDeepStrictEqual, parseEnv } from 'node:util';
import { UserError } from '../../errors.ts';
import type { Environment } from '../environment/find.ts';
import { changeEnvFile } from './env-file.ts';

/** The new values of variables; undefined removes one. */
export type VariableChanges = Record<string, string | undefined>;

/**
 * Sets variables in an environment's `.env`, and changes nothing else there.
 * @throws UserError when the text of `.env` does not allow that
 */
export async function setVariables(environment: Environment, changes: VariableChanges): Promise<void> {
  await changeEnvFile(environment, async ({ path, text }) => {
    const changed = Object.entries(changes).reduce((rest, [name, value]) => setIn(rest, name, value), text);
    if (isDeepStrictEqual({ ...parseEnv(changed) }, withChanges(text, changes)))
      return { text: changed, result: undefined };
    const names = Object.keys(changes).join(' and ');
    throw new UserError(
      'env-file-unclear',
      `${names} cannot be changed in ${path} without changing something else.`,
      `Put each of ${names} on a line of its own, such as ${names.split(' ')[0]}=…, then run the same command again.`,
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

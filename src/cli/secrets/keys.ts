import { UserError } from '../../errors.ts';
import {
  envFileName,
  isUsable,
  keyIdOf,
  readCreationTimes,
  secretVariable,
  splitSecrets,
} from '../../settings/secrets.ts';
import type { System } from '../../system.ts';
import { findRunningServer } from '../control/server-record.ts';
import type { Environment } from '../environment/find.ts';
import { renderSuggestion } from '../nearest.ts';
import { commandLine } from '../shells/shells.ts';
import { type EnvFile, readEnvFile } from './env-file.ts';
import { secretsIn } from './env-text.ts';

/** A secret without the secret. */
export interface Key {
  id: string;
  /** Since when it is there, in milliseconds since 1970; undefined when nobody wrote it down. */
  sinceMs: number | undefined;
}

/** The secrets that sign and verify cookies: the first one signs. */
export interface Keys {
  /** Where they come from, as for a server that is started from here. */
  source: 'environment' | typeof envFileName;
  keys: Key[];
  /** How many more there are with which no server starts. */
  unusable: number;
}

export async function readKeys(system: System, environment: Environment): Promise<Keys> {
  const own = system.env[secretVariable];
  if (own) return { source: 'environment', ...describe(splitSecrets(own), new Map()) };
  return { source: envFileName, ...keysIn(await readEnvFile(environment)) };
}

export function keysIn({ text }: EnvFile): Pick<Keys, 'keys' | 'unusable'> {
  return describe(secretsIn(text), readCreationTimes(text));
}

function describe(secrets: string[], births: Map<string, number>): Pick<Keys, 'keys' | 'unusable'> {
  const usable = secrets.filter(isUsable);
  const ids = [...new Set(usable.map(keyIdOf))];
  return { keys: ids.map((id) => ({ id, sinceMs: births.get(id) })), unusable: secrets.length - usable.length };
}

/** @throws UserError when no server starts with these */
export async function verifyUsable(system: System, environment: Environment, found: Keys): Promise<void> {
  const { source, keys, unusable } = found;
  if (keys.length > 0 && unusable === 0) return;
  const isOwn = source === 'environment';
  const where = `${secretVariable} ${isOwn ? 'in the environment' : `in ${source}`}`;
  throw new UserError(
    unusable > 0 ? 'secret-unusable' : 'secret-missing',
    unusable > 0 ? `${where} has a value that is short or a placeholder: no server starts.` : `${where} is not set.`,
    isOwn
      ? `Set it to 32 random bytes in base64url, or unset it and use the one in ${envFileName}.`
      : `To make one: ${await commandLine(system, environment.directory, 'secret rotate')}`,
  );
}

/**
 * The key that a person means by its id or the beginning of it.
 * @throws UserError when it is none of them, or may be several
 */
export async function findKey(keys: Key[], given: string): Promise<Key> {
  const ids = keys.map(({ id }) => id);
  const found = keys.filter(({ id }) => given !== '' && id.startsWith(given.toLowerCase()));
  if (found.length > 1)
    throw new UserError(
      'key-ambiguous',
      `${given} may be ${found.map(({ id }) => id).join(' or ')}.`,
      'Give more of it.',
    );
  const [key] = found;
  if (key) return key;
  // Whatever else was typed may be a secret.
  const isId = /^[0-9a-f]{1,8}$/i.test(given);
  const fact = isId
    ? `There is no key ${given}.`
    : 'That is no key id: it has eight characters from 0 to 9 and a to f.';
  throw new UserError('no-such-key', fact, await renderSuggestion('key id', given, ids));
}

/** @throws UserError when what `.env` holds counts for nothing here */
export function verifyEnvFileCounts({ env }: System): void {
  if (!env[secretVariable]) return;
  throw new UserError(
    'secret-in-environment',
    `${secretVariable} is set in the environment, and wins over ${envFileName}: a change there would change nothing.`,
    'Change it where it is set, with a new one in front, a comma and the present one after it, and restart the server. ' +
      `If the server does not have it: unset ${secretVariable}, then run the same command again.`,
  );
}

/** What keeps the server that runs from following `.env`, or from what is read here; undefined when nothing does. */
export async function describeOtherServer(
  system: System,
  environment: Pick<Environment, 'directory'>,
): Promise<string | undefined> {
  const server = await findRunningServer(environment);
  const isSetHere = Boolean(system.env[secretVariable]);
  if (server?.pid === undefined || server.hasOwnSecret === isSetHere) return undefined;
  return server.hasOwnSecret
    ? `The server that runs (process ${server.pid}) was started with ${secretVariable} set, and does not follow ${envFileName}.`
    : `The server that runs (process ${server.pid}) was started without ${secretVariable}, and has the secrets of ${envFileName}.`;
}

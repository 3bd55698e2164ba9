import { UserError } from '../../errors.ts';
import {
  envFileName,
  isUsable,
  readCreationTimes,
  secretIdOf,
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

/** A secret without its value. */
export interface SecretSummary {
  id: string;
  /** When it was added, in milliseconds since 1970; undefined when that was not recorded. */
  sinceMs: number | undefined;
}

/** The secrets that sign and verify cookies: the first one signs. */
export interface SecretList {
  /** Where they are set: in the environment variables of this process, or in `.env`. */
  source: 'environment' | typeof envFileName;
  secrets: SecretSummary[];
  /** How many further values are too short or placeholders; the server refuses to start with them. */
  unusable: number;
}

export async function readSecretList(system: System, environment: Environment): Promise<SecretList> {
  const own = system.env[secretVariable];
  if (own) return { source: 'environment', ...summarize(splitSecrets(own), new Map()) };
  return { source: envFileName, ...summarizeSecrets(await readEnvFile(environment)) };
}

export function summarizeSecrets({ text }: EnvFile): Pick<SecretList, 'secrets' | 'unusable'> {
  return summarize(secretsIn(text), readCreationTimes(text));
}

function summarize(values: string[], births: Map<string, number>): Pick<SecretList, 'secrets' | 'unusable'> {
  const usable = values.filter(isUsable);
  const ids = [...new Set(usable.map(secretIdOf))];
  return { secrets: ids.map((id) => ({ id, sinceMs: births.get(id) })), unusable: values.length - usable.length };
}

/** @throws UserError when the server would refuse to start with these secrets */
export async function verifyUsable(system: System, environment: Environment, list: SecretList): Promise<void> {
  const { source, secrets, unusable } = list;
  if (secrets.length > 0 && unusable === 0) return;
  const isOwn = source === 'environment';
  const where = `${secretVariable} ${isOwn ? 'in the environment variables' : `in ${source}`}`;
  throw new UserError(
    unusable > 0 ? 'secret-unusable' : 'secret-missing',
    unusable > 0
      ? `${where} has a value that is too short or a placeholder. The server does not start with it.`
      : `${where} is not set.`,
    isOwn
      ? `Set it to 32 random bytes in base64url, or unset it to use the one in ${envFileName}.`
      : `To make one: ${await commandLine(system, environment.directory, 'secret rotate')}`,
  );
}

/**
 * Finds the secret whose id begins with what the user typed.
 * @throws UserError when no id, or more than one id, begins with that text
 */
export async function findSecret(secrets: SecretSummary[], given: string): Promise<SecretSummary> {
  const found = secrets.filter(({ id }) => given !== '' && id.startsWith(given.toLowerCase()));
  if (found.length > 1) {
    const ids = found.map(({ id }) => id).join(' or ');
    throw new UserError('secret-ambiguous', `${given} can be ${ids}.`, 'Type more characters of the id.');
  }
  const [secret] = found;
  if (secret) return secret;
  // Any other text may be the secret itself, so do not repeat it.
  const isId = /^[0-9a-f]{1,8}$/i.test(given);
  const fact = isId
    ? `There is no secret ${given}.`
    : 'That is not a secret id: an id has eight characters from 0 to 9 and a to f.';
  const ids = secrets.map(({ id }) => id);
  throw new UserError('secret-unknown', fact, await renderSuggestion('secret id', given, ids));
}

/** @throws UserError when SESSION_SECRET is set here, because a change of `.env` then has no effect */
export function verifyEnvFileCounts({ env }: System): void {
  if (!env[secretVariable]) return;
  throw new UserError(
    'secret-in-environment',
    `${secretVariable} is set in the environment variables and overrides ${envFileName}: changing ${envFileName} would have no effect.`,
    `Change ${secretVariable} where it is set: put the new secret in front, then a comma and the current one. Then restart ` +
      `the server. If the server does not have the variable: unset ${secretVariable}, then run the same command again.`,
  );
}

/** Says why the running server uses other secrets than those read here; undefined when it uses the same. */
export async function describeOtherServer(
  system: System,
  environment: Pick<Environment, 'directory'>,
): Promise<string | undefined> {
  const server = await findRunningServer(environment);
  const isSetHere = Boolean(system.env[secretVariable]);
  if (server?.pid === undefined || server.hasOwnSecret === isSetHere) return undefined;
  return server.hasOwnSecret
    ? `The running server (process ${server.pid}) was started with ${secretVariable} set, and does not follow ${envFileName}.`
    : `The running server (process ${server.pid}) was started without ${secretVariable}, and uses the secrets in ${envFileName}.`;
}

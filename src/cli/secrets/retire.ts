import { setTimeout as wait } from 'node:timers/promises';
import { UserError } from '../../errors.ts';
import { secretIdOf } from '../../settings/secrets.ts';
import type { System } from '../../system.ts';
import { withStore } from '../admin/store.ts';
import type { Environment } from '../environment/find.ts';
import { commandLine } from '../shells/shells.ts';
import { changeEnvFile, type EnvFile } from './env-file.ts';
import { changeSecrets } from './env-text.ts';
import { unclear } from './rotate.ts';
import { findSecret, type SecretSummary, summarizeSecrets, verifyEnvFileCounts } from './secret-summary.ts';

export interface Retirement {
  id: string;
  /** The ids of the secrets that are left, newest first. */
  left: string[];
  /** The sessions that are logged out; undefined when the store could not be read. */
  uses: Uses | undefined;
}

/**
 * How many sessions are logged out when a secret is retired. A record names the secret that signed the last cookie which
 * its client sent. So a session counts for the old secret until its client sends the new cookie.
 */
export interface Uses {
  certain: number;
  /**
   * Sessions whose secret is not recorded, such as imported ones: any old secret may have signed them. Sessions of a secret
   * that was retired before are not counted: that command already accepted that they are logged out.
   */
  possible: number;
}

/** How long a server may take to read a change of `.env`. */
const followedMs = 3000;

/**
 * Removes a secret from `.env` that no session uses any more.
 * @param given the secret's id, or its beginning
 * @param force retire it even if sessions are logged out, or the store cannot be read
 * @param step called with a description of each step
 * @throws UserError when the secret is the newest one, or still in use
 */
export async function retire(
  system: System,
  environment: Environment,
  given: string,
  force: boolean,
  step: (name: string) => void,
): Promise<Retirement> {
  verifyEnvFileCounts(system);
  const signal = system.catchInterrupts();
  return changeEnvFile(environment, async (file) => {
    const { secrets } = summarizeSecrets(file);
    const { id } = await findOld(system, environment, secrets, given);
    const text = changeSecrets(file.text, { keeps: (secret) => secretIdOf(secret) !== id });
    if (text === undefined) throw unclear(file.path);
    await untilFollowed(system, file, step, signal);
    step('Counting sessions');
    const uses = await countUses(system, environment, id, force);
    signal.throwIfAborted();
    if (uses && !force) await verifyUnused(system, environment, id, uses);
    return { text, result: { id, left: secrets.map((secret) => secret.id).filter((other) => other !== id), uses } };
  });
}

async function findOld(
  system: System,
  environment: Environment,
  secrets: SecretSummary[],
  given: string,
): Promise<SecretSummary> {
  const line = await commandLine(system, environment.directory, 'secret rotate');
  const [newest] = secrets;
  if (!newest) throw new UserError('secret-missing', 'There is no secret to retire.', `To make one: ${line}`);
  const secret = await findSecret(secrets, given);
  if (secret.id !== newest.id) return secret;
  throw new UserError(
    'secret-signs',
    `${secret.id} is the newest secret, which signs the cookies.`,
    `First add a newer secret: ${line}`,
  );
}

// Before that, a server may still sign with the old secret and create a session that is not counted.
async function untilFollowed(
  system: System,
  { found }: EnvFile,
  step: (name: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const sinceMs = system.now() - (found?.changedMs ?? 0);
  if (sinceMs >= followedMs) return;
  step('Waiting until a running server has read the last change of .env');
  // Rejects only when the command is interrupted.
  await wait(Math.min(followedMs - sinceMs, followedMs), undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
}

async function countUses(
  system: System,
  environment: Environment,
  id: string,
  force: boolean,
): Promise<Uses | undefined> {
  try {
    const { bySecretId } = await withStore(system, environment, (store) => store.tally(system.now()));
    return { certain: bySecretId[id] ?? 0, possible: bySecretId[''] ?? 0 };
  } catch (error) {
    // A stolen secret must be removed even if the store cannot be read.
    if (force && error instanceof UserError) return undefined;
    throw error;
  }
}

async function verifyUnused(system: System, environment: Environment, id: string, uses: Uses): Promise<void> {
  const { certain, possible } = uses;
  if (certain + possible === 0) return;
  const doubt = possible > 0 ? `; sessions whose secret is unknown and may be this one: ${possible}` : '';
  throw new UserError(
    'secret-in-use',
    `Sessions still signed by ${id}: ${certain}${doubt}.`,
    "A client's next request gets a cookie of the newest secret, and the request after that moves its session. " +
      'To log these sessions out now: ' +
      (await commandLine(system, environment.directory, 'secret retire', id, '--force')),
  );
}

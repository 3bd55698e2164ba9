import { setTimeout as wait } from 'node:timers/promises';
import { UserError } from '../../errors.ts';
import { keyIdOf } from '../../settings/secrets.ts';
import type { System } from '../../system.ts';
import { withStore } from '../admin/store.ts';
import type { Environment } from '../environment/find.ts';
import { commandLine } from '../shells/shells.ts';
import { changeEnvFile, type EnvFile } from './env-file.ts';
import { changeSecrets } from './env-text.ts';
import { findKey, type Key, keysIn, verifyEnvFileCounts } from './keys.ts';
import { unclear } from './rotate.ts';

export interface Retirement {
  id: string;
  /** Those that are left, newest first. */
  left: string[];
  /** Whose sessions are logged out; undefined when the store could not be asked. */
  uses: Uses | undefined;
}

/**
 * Sessions that a key's retirement ends. Each record names the key that its client has last proved to hold a cookie
 * of, so that a session counts for an old key until its client came back with the new cookie.
 */
export interface Uses {
  certain: number;
  /**
   * Sessions of which no key is known, as those that came from elsewhere: each old key may have signed them. One that
   * names a key that is not here any more counts for no other: its retirement has been accepted to log it out.
   */
  possible: number;
}

/** How long a server may take to see what `.env` says. */
const followedMs = 3000;

/**
 * Takes a secret out of `.env` that signs no session any more.
 * @param given the key's id, or the beginning of it
 * @param force also when sessions are then logged out, or nobody knows
 * @param step is told what is waited for
 * @throws UserError when it signs, or is still in use
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
    const { keys } = keysIn(file);
    const { id } = await findOld(system, environment, keys, given);
    const text = changeSecrets(file.text, { keeps: (secret) => keyIdOf(secret) !== id });
    if (text === undefined) throw unclear(file.path);
    await untilFollowed(system, file, step, signal);
    step('Counting sessions');
    const uses = await countUses(system, environment, id, force);
    signal.throwIfAborted();
    if (uses && !force) await verifyUnused(system, environment, id, uses);
    return { text, result: { id, left: keys.map((key) => key.id).filter((other) => other !== id), uses } };
  });
}

async function findOld(system: System, environment: Environment, keys: Key[], given: string): Promise<Key> {
  const line = await commandLine(system, environment.directory, 'secret rotate');
  const [newest] = keys;
  if (!newest) throw new UserError('secret-missing', 'There is no secret to retire.', `To make one: ${line}`);
  const key = await findKey(keys, given);
  if (key.id !== newest.id) return key;
  throw new UserError('key-signs', `${key.id} is the newest key: it signs.`, `First put another in front: ${line}`);
}

// Until then a server may sign with the old one, and make a session that is not counted.
async function untilFollowed(
  system: System,
  { found }: EnvFile,
  step: (name: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const sinceMs = system.now() - (found?.changedMs ?? 0);
  if (sinceMs >= followedMs) return;
  step('Waiting until a running server has followed the last change of .env');
  // Rejects only when it is interrupted.
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
    const { byKeyId } = await withStore(system, environment, (store) => store.tally(system.now()));
    return { certain: byKeyId[id] ?? 0, possible: byKeyId[''] ?? 0 };
  } catch (error) {
    // A secret that was stolen has to go, whatever became of the store.
    if (force && error instanceof UserError) return undefined;
    throw error;
  }
}

async function verifyUnused(system: System, environment: Environment, id: string, uses: Uses): Promise<void> {
  const { certain, possible } = uses;
  if (certain + possible === 0) return;
  const doubt = possible > 0 ? `; of which no key is known, so that it may be this one: ${possible}` : '';
  throw new UserError(
    'key-in-use',
    `Sessions still signed by ${id}: ${certain}${doubt}.`,
    'Each of them moves to the newest key when its client comes again. To log them out now: ' +
      (await commandLine(system, environment.directory, 'secret retire', id, '--force')),
  );
}

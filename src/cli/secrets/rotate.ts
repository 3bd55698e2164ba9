import { UserError } from '../../errors.ts';
import { createSecret, envFileName, isUsable, keyIdOf, renderEnvFile, secretVariable } from '../../settings/secrets.ts';
import type { System } from '../../system.ts';
import { findRunningServer } from '../control/server-record.ts';
import type { Environment } from '../environment/find.ts';
import { commandLine } from '../shells/shells.ts';
import { changeEnvFile, type EnvFile } from './env-file.ts';
import { changeSecrets } from './env-text.ts';
import { keysIn, verifyEnvFileCounts } from './keys.ts';

export interface Rotation {
  /** The new key, which signs. */
  id: string;
  /** Those that verify, newest first. */
  older: string[];
  /** How many secrets were taken out because no server starts with them. */
  removed: number;
}

/**
 * Puts a new secret in front of those in `.env`, which is made where there is none. A secret with which no server starts
 * goes: it verifies nothing, and keeps the others from it.
 * @throws UserError when that would have no effect, or log everybody out
 */
export async function rotate(system: System, environment: Environment): Promise<Rotation> {
  verifyEnvFileCounts(system);
  return changeEnvFile(environment, async (file) => {
    await verifyServerLosesNothing(system, environment, file);
    const secret = createSecret();
    const text = addSecret(file, secret, system.now());
    const { keys, unusable: removed } = keysIn(file);
    return { text, result: { id: keyIdOf(secret), older: keys.map(({ id }) => id), removed } };
  });
}

function addSecret({ path, text, found }: EnvFile, secret: string, nowMs: number): string {
  if (!found) return renderEnvFile(secret, nowMs);
  const changed = changeSecrets(text, { add: { secret, nowMs }, keeps: isUsable });
  if (changed !== undefined) return changed;
  throw unclear(path);
}

/** The failure of a `.env` whose secrets cannot be changed without a doubt about the rest. */
export function unclear(path: string): UserError {
  return new UserError(
    'env-file-unclear',
    `${path} is not written so that its ${secretVariable} could be changed, and nothing else.`,
    `Give ${secretVariable} a line of its own, such as ${secretVariable}=…, below lines that are each NAME=value, ` +
      'then run the same command again.',
  );
}

// A server keeps the secrets that it knows when .env loses them; with a new one it would follow, and forget them.
async function verifyServerLosesNothing(system: System, environment: Environment, file: EnvFile): Promise<void> {
  if (keysIn(file).keys.length > 0) return;
  const server = await findRunningServer(environment);
  if (server?.url === undefined || server.hasOwnSecret) return;
  throw new UserError(
    'secret-lost',
    `The server that runs signs with a secret that ${envFileName} no longer has: with a new one, everybody is logged out.`,
    `Write that secret into ${envFileName} again, or stop the server first: ` +
      (await commandLine(system, environment.directory, 'stop')),
  );
}

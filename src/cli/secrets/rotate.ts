import { UserError } from '../../errors.ts';
import {
  createSecret,
  envFileName,
  isUsable,
  renderEnvFile,
  secretIdOf,
  secretVariable,
} from '../../settings/secrets.ts';
import type { System } from '../../system.ts';
import { findRunningServer } from '../control/server-record.ts';
import type { Environment } from '../environment/find.ts';
import { commandLine } from '../shells/shells.ts';
import { changeEnvFile, type EnvFile } from './env-file.ts';
import { changeSecrets } from './env-text.ts';
import { summarizeSecrets, verifyEnvFileCounts } from './secret-summary.ts';

export interface Rotation {
  /** The id of the new secret, which signs. */
  id: string;
  /** The ids of the older secrets, newest first. They only verify. */
  older: string[];
  /** How many secrets were removed because the server refuses to start with them. */
  removed: number;
}

/**
 * Puts a new secret in front of those in `.env`, and creates `.env` if it is missing. Removes secrets that are too short or
 * placeholders: the server refuses to start with them.
 * @throws UserError when the new secret would have no effect, or would log everybody out
 */
export async function rotate(system: System, environment: Environment): Promise<Rotation> {
  verifyEnvFileCounts(system);
  return changeEnvFile(environment, async (file) => {
    await verifyServerLosesNothing(system, environment, file);
    const secret = createSecret();
    const text = addSecret(file, secret, system.now());
    const { secrets, unusable: removed } = summarizeSecrets(file);
    return { text, result: { id: secretIdOf(secret), older: secrets.map(({ id }) => id), removed } };
  });
}

function addSecret({ path, text, found }: EnvFile, secret: string, nowMs: number): string {
  if (!found) return renderEnvFile(secret, nowMs);
  const changed = changeSecrets(text, { add: { secret, nowMs }, keeps: isUsable });
  if (changed !== undefined) return changed;
  throw unclear(path);
}

/** The error for a `.env` whose secrets cannot be changed without the risk of changing something else. */
export function unclear(path: string): UserError {
  return new UserError(
    'env-file-unclear',
    `${secretVariable} cannot be changed in ${path} without changing something else.`,
    `Put ${secretVariable}=… on a line of its own, and write each line above it as NAME=value. Then run the same command again.`,
  );
}

// A running server keeps its secrets when they disappear from .env. With a new secret there, it would drop them.
async function verifyServerLosesNothing(system: System, environment: Environment, file: EnvFile): Promise<void> {
  if (summarizeSecrets(file).secrets.length > 0) return;
  const server = await findRunningServer(environment);
  if (server?.url === undefined || server.hasOwnSecret) return;
  throw new UserError(
    'secret-lost',
    `The running server signs with a secret that is no longer in ${envFileName}: a new secret would log everybody out.`,
    `Write that secret into ${envFileName} again, or stop the server first: ` +
      (await commandLine(system, environment.directory, 'stop')),
  );
}

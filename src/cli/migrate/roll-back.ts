import { UserError } from '../../errors.ts';
import { readVariables } from '../../settings/variables.ts';
import { changeMarker } from '../environment/change-marker.ts';
import type { Environment } from '../environment/find.ts';
import { setVariables } from '../secrets/env-variables.ts';
import { nextVariable, waitForFollowers } from './migrate.ts';
import type { MoveOptions } from './move-sessions.ts';

/**
 * Takes back a move of sessions that was prepared.
 * @throws Interrupted when a signal says so
 */
export async function rollBack(environment: Environment, options: MoveOptions): Promise<void> {
  const restored = await changeMarker(environment, ({ migration: _, ...rest }) => rest);
  await waitForFollowers(options);
  await setVariables(restored, { [nextVariable]: undefined });
}

/** @throws UserError when no move is under way, or some sessions may have moved already */
export async function verifyRollback(environment: Environment): Promise<void> {
  const { directory, marker } = environment;
  const { migration, store: current } = marker;
  // What an interrupted call left that prepared a move, or took it back.
  const isLeft = (await readVariables(directory))[nextVariable] !== undefined;
  if (!migration && !isLeft)
    throw new UserError(
      'no-migration',
      `No move is under way: the sessions are in the store ${current}.`,
      'There is nothing to take back. To move them, leave --rollback out.',
    );
  if (migration && migration.phase !== 'prepare')
    throw new UserError(
      'migration-too-far',
      `Sessions have moved to the store ${migration.to} already, and were changed there.`,
      `Run the same command without --rollback, which brings the others there, and then move them back to ${migration.from}.`,
    );
}

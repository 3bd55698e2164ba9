import { UserError } from '../../errors.ts';
import { readVariables } from '../../settings/variables.ts';
import { changeMarker } from '../environment/change-marker.ts';
import type { Environment } from '../environment/find.ts';
import { setVariables } from '../secrets/env-variables.ts';
import { nextVariable, waitForFollowers } from './migrate.ts';
import type { MoveOptions } from './move-sessions.ts';

/**
 * Cancels a move of sessions that was only prepared.
 * @throws Interrupted when `signal` aborts
 */
export async function rollBack(environment: Environment, options: MoveOptions): Promise<void> {
  const restored = await changeMarker(environment, ({ migration: _, ...rest }) => rest);
  await waitForFollowers(options);
  await setVariables(restored, { [nextVariable]: undefined });
}

/** @throws UserError when no move is in progress, or when some sessions may have moved already */
export async function verifyRollback(environment: Environment): Promise<void> {
  const { directory, marker } = environment;
  const { migration, store: current } = marker;
  // A call that was interrupted while it prepared or cancelled a move leaves this variable.
  const isLeft = (await readVariables(directory))[nextVariable] !== undefined;
  if (!migration && !isLeft)
    throw new UserError(
      'no-migration',
      `No move is in progress: the sessions are in the ${current} store.`,
      'To move them, leave --rollback out.',
    );
  if (migration && migration.phase !== 'prepare')
    throw new UserError(
      'migration-too-far',
      `Some sessions have already moved to the ${migration.to} store and may have changed there.`,
      `Finish the move with the same command without --rollback, then move all sessions back to ${migration.from}.`,
    );
}

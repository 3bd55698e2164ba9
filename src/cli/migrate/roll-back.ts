import { changeMarker } from '../environment/change-marker.ts';
import type { Environment } from '../environment/find.ts';
import { readVariables } from '../environment/variables.ts';
import { UserError } from '../../errors.ts';
import type { System } from '../../system.ts';
import { hasDriver } from './driver-files.ts';
import { cancel, type MigrateOptions, nextVariable, waitForFollowers } from './migrate.ts';

/**
 * Takes back a move of sessions that was prepared.
 * @param store where they were to go
 * @throws UserError when npm fails, Interrupted when a signal says so
 */
export async function rollBack(
  system: System,
  environment: Environment,
  store: string,
  options: Omit<MigrateOptions, 'warn'>,
): Promise<void> {
  const restored = await changeMarker(environment, ({ migration: _, ...rest }) => rest);
  await waitForFollowers(options);
  await cancel(system, restored, store, { offline: options.offline });
}

/** @throws UserError when no move to this store is under way, or some sessions may have moved already */
export async function verifyRollback(environment: Environment, store: string): Promise<void> {
  const { migration, store: current } = environment.marker;
  if (!migration && !(await isLeft(environment, store)))
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

// What a call was interrupted in that prepared a move, or took it back.
async function isLeft(environment: Environment, store: string): Promise<boolean> {
  if (store !== environment.marker.store) return hasDriver(environment, store);
  return (await readVariables(environment.directory))[nextVariable] !== undefined;
}

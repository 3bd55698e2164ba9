import { changeMarker } from '../../environment/change-marker.ts';
import type { Environment } from '../../environment/find.ts';
import { UserError } from '../../errors.ts';
import type { System } from '../../system.ts';
import { cancel, type MigrateOptions, waitForFollowers } from './migrate.ts';

/**
 * Takes back a move of sessions that was prepared.
 * @param store where they were to go
 * @throws UserError when some may have moved already
 */
export async function rollBack(
  system: System,
  environment: Environment,
  store: string,
  options: Omit<MigrateOptions, 'warn'>,
): Promise<void> {
  const { migration } = environment.marker;
  if (migration && migration.phase !== 'prepare')
    throw new UserError(
      'migration-too-far',
      `Sessions have moved to the store ${migration.to} already, and were changed there.`,
      `Run the same command without --rollback, which brings the others there, and then move them back to ${migration.from}.`,
    );
  const restored = await changeMarker(environment, ({ migration: _, ...rest }) => rest);
  await waitForFollowers(options);
  await cancel(system, restored, store, { offline: options.offline });
}

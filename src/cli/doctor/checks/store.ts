import { join } from 'node:path';
import { UserError } from '../../../errors.ts';
import { withStore } from '../../admin/store.ts';
import { checkReadiness } from '../../environment/readiness.ts';
import { type Check, dependsOnOther, ok, problem, type Remedy, withMarker } from '../check.ts';
import { findingUnlessOwner } from '../file-owner.ts';
import { moveAside } from '../remedies.ts';

/** Can a session be written, read and deleted? */
export const store: Check = {
  name: 'store',
  examine: withMarker(async (environment, system) => {
    const { directory, marker } = environment;
    if ((await checkReadiness(environment)) !== 'ready') return [dependsOnOther('the dependencies are not ready.')];
    const isLocal = marker.store === 'embedded';
    const refused = isLocal ? await findingUnlessOwner(directory) : undefined;
    if (refused) return [refused];
    try {
      await withStore(system, environment, (opened) => opened.probe(), { mayCreate: true });
      return [ok(`The store ${marker.store} can write, read and delete a record.`)];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const remedy = isLocal ? replaceFile(directory) : ['Start the store, or correct STORE_URL in .env.'];
      return [problem(error.message, 'Requests that need a session get a 503.', ...remedy)];
    }
  }),
};

function replaceFile(directory: string): Remedy {
  return [
    'If doctor finds no other problem, the store is damaged. Stop the server, then restore a backup, or start with an empty store: then everyone has to log in again.',
    moveAside(join(directory, 'data', 'sessions')),
  ];
}

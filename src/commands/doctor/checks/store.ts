import { join } from 'node:path';
import { checkReadiness } from '../../../environment/readiness.ts';
import { withStore } from '../../../environment/store.ts';
import { UserError } from '../../../errors.ts';
import { type Check, type Finding, notChecked, ok, problem, type Remedy, withMarker } from '../check.ts';
import { refuseToWrite } from '../owner.ts';
import { moveAside } from '../remedies.ts';

const toleratedMs = 60_000;

/** Can a session be written, read and deleted, and is there none of a time to come? */
export const store: Check = {
  name: 'store',
  examine: withMarker(async (environment, system) => {
    const { directory, marker } = environment;
    if ((await checkReadiness(environment)) !== 'ready') return [notChecked('the dependencies come first.')];
    const isLocal = marker.store === 'embedded';
    const refused = isLocal ? await refuseToWrite(directory) : undefined;
    if (refused) return [refused];
    try {
      const ahead = await withStore(system, environment, async (opened) => {
        await opened.probe();
        return opened.countAhead(system.now() + toleratedMs);
      });
      return [ahead === 0 ? ok(`The store ${marker.store} takes a record and deletes it.`) : isAhead(ahead)];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const remedy = isLocal ? mendFile(directory) : ['Start the store, or mend STORE_URL in .env.'];
      return [problem(error.message, 'Requests that need a session get a 503.', ...remedy)];
    }
  }),
};

function isAhead(count: number): Finding {
  return problem(
    `${count} session${count === 1 ? ' is' : 's are'} of a time to come.`,
    'The clock was ahead when they were made, or is behind now: they live longer than they should, or others shorter.',
    'Set the clock by a time server. If it is right now, they end by themselves some time after the others.',
  );
}

function mendFile(directory: string): Remedy {
  return [
    'If nothing else is found here, the file is damaged: stop the server, and bring a backup back, or begin anew; all have to log in again then.',
    moveAside(join(directory, 'data', 'sessions')),
  ];
}

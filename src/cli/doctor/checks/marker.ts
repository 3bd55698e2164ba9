import { join } from 'node:path';
import { markerName } from '../../../settings/marker.ts';
import { restoringOptions } from '../../../settings/restoring.ts';
import { type Check, ok, problem } from '../check.ts';
import { moveAside, sessapp } from '../remedies.ts';

/** Can `sessapp.json` be read? */
export const marker: Check = {
  name: 'sessapp.json',
  async examine({ directory, failure }) {
    if (!failure) return [ok('sessapp.json is valid.')];
    const why = 'Without it, the server does not start, and commands cannot find the store of the environment.';
    if (['permission-denied', 'not-the-owner', 'environment-old'].includes(failure.code))
      return [problem(failure.message, why, failure.hint ?? '')];
    const aside = failure.code === 'marker-damaged' ? [moveAside(join(directory, markerName))] : [];
    const init = sessapp(directory, 'init', ...(await restoringOptions(directory)));
    const advice = 'Restore it from your version control, or write it again.';
    return [problem(failure.message, why, advice, ...aside, init)];
  },
};

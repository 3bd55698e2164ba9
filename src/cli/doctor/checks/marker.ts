import { join } from 'node:path';
import { type Marker, markerName } from '../../../settings/marker.ts';
import { restoringOptions } from '../../../settings/restoring.ts';
import { findMarkerFaults } from '../../../settings/settings.ts';
import { type Check, type Finding, ok, problem } from '../check.ts';
import { moveAside, sessapp } from '../remedies.ts';

/** Can `sessapp.json` be read? */
export const marker: Check = {
  name: 'sessapp.json',
  async examine({ directory, marker: found, failure }) {
    if (!failure) return examineContent(found);
    const why = 'Without it, the server does not start, and commands cannot find the store of the environment.';
    if (['permission-denied', 'not-the-owner', 'environment-old', 'environment-new'].includes(failure.code))
      return [problem(failure.message, why, failure.hint ?? '')];
    const aside = failure.code === 'marker-damaged' ? [moveAside(join(directory, markerName))] : [];
    const init = sessapp(directory, 'init', ...(await restoringOptions(directory)));
    const advice = 'Restore it from your version control, or write it again.';
    return [problem(failure.message, why, advice, ...aside, init)];
  },
};

function examineContent(marker: Marker | undefined): Finding[] {
  const faults = marker ? findMarkerFaults(marker) : [];
  if (faults.length === 0) return [ok('sessapp.json is valid.')];
  return faults.map(({ message, hint = '' }) => problem(message, 'The server does not start.', hint));
}

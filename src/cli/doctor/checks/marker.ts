import { join } from 'node:path';
import { markerName } from '../../../settings/marker.ts';
import { restoringOptions } from '../../../settings/restoring.ts';
import { commandLine, nearPath, quoteLine } from '../../shells/shells.ts';
import type { System } from '../../../system.ts';
import { type Check, ok, problem, type } from '../check.ts';

/** Can `sessapp.json` be read? */
export const marker: Check = {
  name: 'sessapp.json',
  async examine({ directory, failure }, system) {
    if (!failure) return [ok('It describes the environment.')];
    const why = 'Without it the server does not start, and no command knows the environment’s store and language.';
    if (failure.code === 'permission-denied') return [problem(failure.message, why, failure.hint ?? '')];
    const commands = await restoring(system, directory, failure.code === 'marker-damaged');
    const remedy = `Restore it from your version control, or write it anew. ${type(...commands)}`;
    return [problem(failure.message, why, remedy)];
  },
};

async function restoring(system: System, directory: string, isThere: boolean): Promise<string[]> {
  const path = nearPath(system.cwd, join(directory, markerName));
  const aside = await quoteLine(system, 'mv', path, `${path}.damaged`);
  return [
    ...(isThere ? [aside] : []),
    await commandLine(system, directory, 'init', ...(await restoringOptions(directory))),
  ];
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../../environment/find.ts';
import { type Difference, findDifferences, readInstallation } from '../../environment/installation.ts';
import { checkReadiness, explainReadiness, packageOf } from '../../environment/readiness.ts';
import { type Check, nameSome, ok, problem, withMarker } from '../check.ts';

type Fault = Omit<Difference, 'how'> & { how: Difference['how'] | 'damaged' };

/** Are the installed packages those of the lockfile? */
export const dependencies: Check = {
  name: 'dependencies',
  examine: withMarker(async (environment, system) => {
    const found = await checkReadiness(environment);
    const differences = await examinePackages(environment);
    const readiness = found === 'ready' && differences.length > 0 ? 'dependencies-differ' : found;
    if (readiness === 'ready') return [ok('The installed packages match package-lock.json.')];
    const { fact, remedy, command } = await explainReadiness(system, environment, readiness);
    const details = readiness === 'dependencies-differ' ? ` (${describe(differences)})` : '';
    const why = 'The server may not start, or may run with untested versions.';
    const advice = remedy === 'Type:' ? [] : [remedy.replace(/:$/, '.')];
    return [problem(`${fact}${details}.`, why, ...advice, async () => command)];
  }),
};

async function examinePackages(environment: Environment): Promise<Fault[]> {
  const found = await findDifferences(await readInstallation(environment.directory), { readEach: true });
  return found.length > 0 || isWhole(environment) ? found : [{ path: 'node_modules/sessapp', how: 'damaged' }];
}

// A build writes this file last. Without the other files, the server and most commands do not start.
function isWhole(environment: Environment): boolean {
  return existsSync(join(packageOf(environment), 'dist', 'build-id'));
}

const labels: [Fault['how'], label: string][] = [
  ['missing', 'missing'],
  ['changed', 'wrong version'],
  ['damaged', 'damaged'],
  ['extra', 'not in the lockfile'],
];

function describe(differences: Fault[]): string {
  const parts = labels.flatMap(([how, label]) => {
    const found = differences.filter((difference) => difference.how === how);
    const names = found.map(({ path }) => path.replace(/^node_modules\//, '')).sort(sessappFirst);
    return names.length === 0 ? [] : [`${label}: ${nameSome(names)}`];
  });
  return parts.join('; ');
}

// Only three names are printed, and sessapp matters most: it contains the server.
function sessappFirst(a: string, b: string): number {
  return Number(b === 'sessapp') - Number(a === 'sessapp');
}

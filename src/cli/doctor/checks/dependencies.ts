import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../../environment/find.ts';
import { type Difference, findDifferences, readInstallation } from '../../environment/installation.ts';
import { checkReadiness, explainReadiness, packageOf } from '../../environment/readiness.ts';
import { type Check, nameSome, ok, problem, withMarker } from '../check.ts';

type Fault = Omit<Difference, 'how'> & { how: Difference['how'] | 'damaged' };

/** Is what is installed what the lockfile says? */
export const dependencies: Check = {
  name: 'dependencies',
  examine: withMarker(async (environment, system) => {
    const found = await checkReadiness(environment);
    const differences = await examinePackages(environment);
    const readiness = found === 'ready' && differences.length > 0 ? 'dependencies-differ' : found;
    if (readiness === 'ready') return [ok('What is installed is what package-lock.json says.')];
    const { fact, remedy, command } = await explainReadiness(system, environment, readiness);
    const details = readiness === 'dependencies-differ' ? ` (${describe(differences)})` : '';
    const why = 'The server would not start, or run with other packages than those it was tested with.';
    const advice = remedy === 'Type:' ? [] : [remedy.replace(/:$/, '.')];
    return [problem(`${fact}${details}.`, why, ...advice, async () => command)];
  }),
};

async function examinePackages(environment: Environment): Promise<Fault[]> {
  const found = await findDifferences(await readInstallation(environment.directory), { readEach: true });
  return found.length > 0 || isWhole(environment) ? found : [{ path: 'node_modules/sessapp', how: 'damaged' }];
}

// The last file of its build. Without the others the server and most commands do not start.
function isWhole(environment: Environment): boolean {
  return existsSync(join(packageOf(environment), 'dist', 'build-id'));
}

const labels: [Fault['how'], label: string][] = [
  ['missing', 'missing'],
  ['changed', 'of another version'],
  ['damaged', 'damaged'],
  ['extra', 'not in it'],
];

function describe(differences: Fault[]): string {
  const parts = labels.flatMap(([how, label]) => {
    const found = differences.filter((difference) => difference.how === how);
    const names = found.map(({ path }) => path.replace(/^node_modules\//, '')).sort(sessappFirst);
    return names.length === 0 ? [] : [`${label}: ${nameSome(names)}`];
  });
  return parts.join('; ');
}

// The server is in it, and only three are named.
function sessappFirst(a: string, b: string): number {
  return Number(b === 'sessapp') - Number(a === 'sessapp');
}

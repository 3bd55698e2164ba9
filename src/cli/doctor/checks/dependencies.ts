import { type Difference, findDifferences, readInstallation } from '../../environment/installation.ts';
import { checkReadiness, explainReadiness } from '../../environment/readiness.ts';
import { type Check, nameSome, ok, problem, withMarker } from '../check.ts';

/** Is what is installed what the lockfile says? */
export const dependencies: Check = {
  name: 'dependencies',
  examine: withMarker(async (environment, system) => {
    const found = await checkReadiness(environment);
    const differences = await findDifferences(await readInstallation(environment.directory), { readEach: true });
    const readiness = found === 'ready' && differences.length > 0 ? 'dependencies-differ' : found;
    if (readiness === 'ready') return [ok('What is installed is what package-lock.json says.')];
    const { fact, remedy, command } = await explainReadiness(system, environment, readiness);
    const details = readiness === 'dependencies-differ' ? ` (${describe(differences)})` : '';
    const why = 'The server would not start, or run with other packages than those it was tested with.';
    const advice = remedy === 'Type:' ? [] : [remedy.replace(/:$/, '.')];
    return [problem(`${fact}${details}.`, why, ...advice, async () => command)];
  }),
};

const labels: [Difference['how'], label: string][] = [
  ['missing', 'missing'],
  ['changed', 'of another version'],
  ['extra', 'not in it'],
];

function describe(differences: Difference[]): string {
  const parts = labels.flatMap(([how, label]) => {
    const found = differences.filter((difference) => difference.how === how);
    const names = found.map(({ path }) => path.replace(/^node_modules\//, ''));
    return names.length === 0 ? [] : [`${label}: ${nameSome(names)}`];
  });
  return parts.join('; ');
}

import { checkReadiness, explainReadiness } from '../../environment/readiness.ts';
import { type Check, ok, problem, type, withMarker } from '../check.ts';

/** Is what is installed what the lockfile says, as far as npm's own lists tell? */
export const dependencies: Check = {
  name: 'dependencies',
  examine: withMarker(async (environment, system) => {
    const readiness = await checkReadiness(environment);
    if (readiness === 'ready') return [ok('What is installed is what package-lock.json says.')];
    const { fact, remedy, command } = await explainReadiness(system, environment, readiness);
    const advice = remedy.replace(/(Type)?:$/, '');
    return [
      problem(
        `${fact}.`,
        'The server would not start, or run with other packages than those it was tested with.',
        `${advice}${advice === '' ? '' : '. '}${type(command)}`,
      ),
    ];
  }),
};

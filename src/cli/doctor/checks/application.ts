import { UserError } from '../../../errors.ts';
import { verifyLoads } from '../../control/server-process.ts';
import { checkReadiness } from '../../environment/readiness.ts';
import { type Check, dependsOnOther, notChecked, ok, problem, withMarker } from '../check.ts';
import { findingUnlessOwner } from '../file-owner.ts';
import { sessapp } from '../remedies.ts';

/** What is wrong with the application; anything else that keeps a server from starting has a check of its own. */
const faults = ['no-routes', 'package-missing', 'file-missing', 'server-failed', 'server-slow'];

/** Can the server load the application? */
export const application: Check = {
  name: 'application',
  examine: withMarker(async (environment, system) => {
    const { directory } = environment;
    if ((await checkReadiness(environment)) !== 'ready') return [dependsOnOther('the dependencies come first.')];
    // What it imports would run as this user.
    const refused = await findingUnlessOwner(directory);
    if (refused) return [refused];
    try {
      await verifyLoads(system, environment);
      return [ok('The server can load it.')];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const { code, message, hint = '' } = error;
      if (!faults.includes(code)) return [notChecked(message)];
      // What the process printed is gone.
      const remedy = code === 'server-failed' ? ['Start it to see more.', sessapp(directory, 'serve')] : [hint];
      return [problem(message, 'The server does not start.', ...remedy)];
    }
  }),
};

import { UserError } from '../../../errors.ts';
import { verifyLoads } from '../../control/server-process.ts';
import { checkReadiness } from '../../environment/readiness.ts';
import { type Check, dependsOnOther, notChecked, ok, problem, withMarker } from '../check.ts';
import { findingUnlessOwner } from '../file-owner.ts';
import { sessapp } from '../remedies.ts';

/** The errors that the application causes. Other checks cover everything else that stops a server from starting. */
const faults = ['no-routes', 'package-missing', 'file-missing', 'server-failed', 'server-slow'];

/** Can the server load the application? */
export const application: Check = {
  name: 'application',
  examine: withMarker(async (environment, system) => {
    const { directory } = environment;
    if ((await checkReadiness(environment)) !== 'ready') return [dependsOnOther('the dependencies are not ready.')];
    // Loading the application runs its code as this user.
    const refused = await findingUnlessOwner(directory);
    if (refused) return [refused];
    try {
      await verifyLoads(system, environment);
      return [ok('The server can load the application.')];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      const { code, message, hint = '' } = error;
      if (!faults.includes(code)) return [notChecked(message)];
      // The output of the process was discarded.
      const remedy =
        code === 'server-failed' ? ['Start the server to see its output.', sessapp(directory, 'serve')] : [hint];
      return [problem(message, 'The server does not start.', ...remedy)];
    }
  }),
};

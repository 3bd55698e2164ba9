import { UserError } from '../../../errors.ts';
import { verifyLoads } from '../../control/server-process.ts';
import { checkReadiness } from '../../environment/readiness.ts';
import { type Check, dependsOnOther, ok, problem, withMarker } from '../check.ts';
import { findingUnlessOwner } from '../file-owner.ts';
import { hideSecrets } from '../redact.ts';
import { sessapp } from '../remedies.ts';

/** Other checks report these errors: `.env`, `secrets`, `settings`, `cookie` and `sessapp.json`. */
const elsewhere = [
  'unreadable',
  'env-damaged',
  'secret-missing',
  'secret-short',
  'secret-placeholder',
  'bad-port',
  'bad-workers',
  'bad-keep-alive',
  'bad-trust-proxy',
  'bad-store',
  'bad-cookie',
];

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
      if (elsewhere.includes(code)) return [dependsOnOther(message, hint)];
      // The output of the process was discarded.
      const remedy =
        code === 'server-failed' ? ['Start the server to see its output.', sessapp(directory, 'serve')] : [hint];
      // The error of the application may contain a secret.
      const fact =
        code === 'server-failed'
          ? message.replace(/(?<=: ).*/s, (text) => hideSecrets(text, environment, system))
          : message;
      return [problem(fact, 'The server does not start.', ...remedy)];
    }
  }),
};

import { join } from 'node:path';
import { envFileName } from '../../../settings/secrets.ts';
import { findFaults } from '../../../settings/settings.ts';
import { type Check, note, ok, problem } from '../check.ts';

/** The checks `port` and `cookie` report these variables. */
const elsewhere = ['PORT', 'TRUST_PROXY'];
const knownModes = ['production', 'development', 'test'];

/** Does the server accept the variables in `.env` and the environment? */
export const settings: Check = {
  name: 'settings',
  async examine({ directory, settings: variables }, { env }) {
    const place = (name: string): string =>
      env[name]
        ? `The environment variable ${name} overrides .env: correct it.`
        : `Correct ${name} in ${join(directory, envFileName)}.`;
    const faults = findFaults(variables).filter(({ name }) => !elsewhere.includes(name));
    const findings = faults.map(({ name, error: { message, hint = '' } }) =>
      problem(message, 'The server does not start.', place(name), hint),
    );
    const { NODE_ENV = 'development' } = variables;
    if (!knownModes.includes(NODE_ENV)) {
      const fact = `NODE_ENV is '${NODE_ENV}', which has no effect: only production has one.`;
      const why =
        'The server runs for development: it shows stack traces to clients, and sets cookies over plain HTTP too.';
      findings.push(note(fact, why, 'For production, set it to production.', place('NODE_ENV')));
    }
    return findings.length > 0 ? findings : [ok('The server accepts the settings.')];
  },
};

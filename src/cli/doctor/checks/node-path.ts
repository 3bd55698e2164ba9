import { delimiter } from 'node:path';
import { unsetLine } from '../../shells/shells.ts';
import { type Check, note, ok } from '../check.ts';

/** Does NODE_PATH let Node.js load modules from outside the environment? */
export const nodePath: Check = {
  name: 'node-path',
  async examine(_, { env }) {
    const directories = (env.NODE_PATH ?? '').split(delimiter).filter((entry) => entry !== '');
    if (directories.length === 0) return [ok('NODE_PATH is not set.')];
    const fact = `NODE_PATH is set: ${directories.join(', ')}.`;
    const why =
      'If a module is missing in the environment, Node.js loads it from there. Activation and the sessapp commands ignore NODE_PATH.';
    return [note(fact, why, (system) => unsetLine(system, 'NODE_PATH'))];
  },
};

import { delimiter } from 'node:path';
import { unsetLine } from '../../shells/shells.ts';
import { type Check, note, ok } from '../check.ts';

/** Can NODE_PATH bring modules in from outside? */
export const nodePath: Check = {
  name: 'node-path',
  async examine(_, { env }) {
    const directories = (env.NODE_PATH ?? '').split(delimiter).filter((entry) => entry !== '');
    if (directories.length === 0) return [ok('NODE_PATH is not set.')];
    const fact = `NODE_PATH is set: ${directories.join(', ')}.`;
    const why =
      'What is required and missing here would come from there. sessapp’s own commands and activation do without it.';
    return [note(fact, why, (system) => unsetLine(system, 'NODE_PATH'))];
  },
};

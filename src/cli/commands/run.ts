import { UsageError } from '../../errors.ts';
import { type Command, environmentOption, text } from '../command.ts';
import { runInPlace } from '../control/child.ts';
import { findEnvironment } from '../environment/find.ts';
import { activate } from '../shells/activation.ts';

export const command: Command = {
  summary: 'run a command inside an environment without activating it',
  examples: ['sessapp run -- node --version', 'sessapp run -e myenv -- npm test'],
  operands: [['[command...]', 'the command and its arguments, after --', 'program']],
  options: [environmentOption],
  passThrough: true,
  isHandedOver: true,
  async run(input, { system }) {
    const [file, ...args] = input.operands;
    // An unset variable in a script gives an empty word.
    if (!file) throw new UsageError('No command given.', 'For example: sessapp run -- node --version');
    const environment = await findEnvironment(system, text(input, 'env'));
    const exitCode = await runInPlace(system, file, args, activate(environment, system.env));
    return { exitCode };
  },
};

import { type Command, environmentOperand, environmentOption, text } from '../command.ts';
import { findEnvironment, promptOf } from '../environment/find.ts';
import { findRunningServer, stopServer } from '../control/server-record.ts';

export const command: Command = {
  summary: 'stop the server of an environment, and wait until it is gone',
  operands: [environmentOperand],
  options: [environmentOption],
  isHandedOver: true,
  async run(input, { system, output }) {
    const environment = await findEnvironment(system, input.operands[0], text(input, 'env'));
    const name = output.style.bold(promptOf(environment));
    const record = await findRunningServer(environment);
    if (!record) return { data: { status: 'not-running' }, text: `${name} does not run.` };
    const forced = await stopServer(environment, record);
    if (forced) output.warn('It did not stop within 10 s and was ended; requests in flight may have been cut.');
    return { data: { status: 'stopped', forced }, text: `${name} has stopped.` };
  },
};

import { type Command, environmentOperand, environmentOption, text } from '../command.ts';
import { findServed } from '../control/running-server.ts';
import { stopServer } from '../control/server-record.ts';

export const command: Command = {
  summary: 'stop the server, and wait until it has exited',
  examples: ['sessapp stop myenv'],
  operands: [environmentOperand],
  options: [environmentOption],
  isHandedOver: true,
  async run(input, { system, output }) {
    const environment = await findServed(system, input.operands[0], text(input, 'env'));
    const { server } = environment;
    const name = output.style.bold(environment.name);
    if (!server) return { data: { status: 'not-running' }, text: `${name} is not running.` };
    const forced = await stopServer(environment, server);
    if (forced)
      output.warn('The server did not stop within 10 s and was killed. Requests in flight may have been cut off.');
    return { data: { status: 'stopped', forced }, text: `${name} has stopped.` };
  },
};

import { type Command, environmentOperand, environmentOption, text } from '../command.ts';
import { findServed } from '../control/running-server.ts';
import { reloadWorkers } from '../control/workers.ts';

export const command: Command = {
  summary: 'replace the workers one by one, to load a change of code or .env',
  examples: ['sessapp reload myenv'],
  operands: [environmentOperand],
  options: [environmentOption],
  isHandedOver: true,
  async run(input, { system, output }) {
    const environment = await findServed(system, input.operands[0], text(input, 'env'));
    const workers = await output.working((step) => {
      step('Replacing workers');
      return reloadWorkers(system, environment);
    });
    const name = output.style.bold(environment.name);
    const what = workers === 1 ? 'its worker was' : `its ${workers} workers were`;
    return { data: { status: 'reloaded', workers }, text: `${name} runs the current code: ${what} replaced.` };
  },
};

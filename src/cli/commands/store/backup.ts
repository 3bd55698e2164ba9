import { backUp } from '../../admin/backup.ts';
import { renderSize } from '../../amounts.ts';
import { type Command, environmentOption, flag, text } from '../../command.ts';
import { findEnvironment, promptOf } from '../../environment/find.ts';

export const command: Command = {
  summary: 'copy the embedded store to a file, also while the server runs',
  operands: [['<file>', 'the file to make; it holds the sessions, so keep it as safe as them']],
  options: [environmentOption, ['--force', 'replace the file if it is there']],
  isHandedOver: true,
  async run(input, { system, output }) {
    const environment = await findEnvironment(system, text(input, 'env'));
    const signal = system.catchInterrupts();
    const made = await output.working((step) => {
      const options = { replace: flag(input, 'force'), signal, onStart: () => step('Copying the store') };
      return backUp(system, environment, input.operands[0] ?? '', options);
    });
    const name = output.style.bold(promptOf(environment));
    return {
      data: { status: 'copied', ...made },
      text: `${made.file} is a copy of the store of ${name} (${renderSize(made.bytes)}).`,
    };
  },
};

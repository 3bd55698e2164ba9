import { backUp } from '../../admin/backup.ts';
import { renderSize } from '../../amounts.ts';
import { flag } from '../../command.ts';
import { onEnvironment } from '../on-environment.ts';

export const command = onEnvironment({
  summary: 'copy the embedded store to a file, even while the server runs',
  examples: ['sessapp store backup sessions.mdb'],
  operands: [['<file>', 'the file to write; it contains the sessions, so keep it safe', 'file']],
  options: [['--force', 'replace an existing file']],
  async run({ input, system, output, environment, name }) {
    const signal = system.catchInterrupts();
    const made = await output.working((step) => {
      const options = { replace: flag(input, 'force'), signal, onStart: () => step('Copying the store') };
      return backUp(system, environment, input.operands[0] ?? '', options);
    });
    const text = `${made.file} is a copy of the store of ${name} (${renderSize(made.bytes)}).`;
    return { data: { status: 'copied', ...made }, text };
  },
});

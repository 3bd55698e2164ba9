import type { Writable } from 'node:stream';
import { type Command, environmentOperand, environmentOption, flag, text } from '../command.ts';
import { findEnvironment } from '../environment/find.ts';
import { logFile } from '../control/server-record.ts';
import { follow, readEnd } from '../control/tail.ts';
import { UsageError } from '../../errors.ts';

const defaultLines = 100;

export const command: Command = {
  summary: 'print the log of a server that runs, or ran, in the background',
  operands: [environmentOperand],
  options: [
    environmentOption,
    ['-f, --follow', 'go on with what is added'],
    ['-n, --lines <number>', `how many of the last lines (default: ${defaultLines})`],
  ],
  isHandedOver: true,
  async run(input, { system, output }) {
    const lines = text(input, 'lines') ?? String(defaultLines);
    if (!/^[1-9]\d*$/.test(lines))
      throw new UsageError(`'${lines}' is no number of lines.`, 'Give a number from 1 up.');
    if (flag(input, 'follow') && output.json)
      throw new UsageError('--follow and --json do not go together.', 'Leave one of them out.');
    const environment = await findEnvironment(system, input.operands[0], text(input, 'env'));
    const path = logFile(environment);
    if (!flag(input, 'follow')) {
      const end = await readEnd(path, Number(lines));
      if (end === undefined) output.note('There is no log: the server writes one when it runs in the background.');
      else if (end === '') output.note('The log is empty so far.');
      return { data: { log: path, lines: end ? end.split('\n') : [] }, text: end ?? '' };
    }
    const interrupted = system.catchInterrupts();
    const signal = AbortSignal.any([interrupted, untilClosed(system.stdout)]);
    for await (const chunk of follow(path, Number(lines), signal)) system.stdout.write(chunk);
    interrupted.throwIfAborted();
    return {};
  },
};

// `sessapp logs -f | head` has read enough.
function untilClosed(stream: Writable): AbortSignal {
  const controller = new AbortController();
  stream.once('close', () => controller.abort());
  return controller.signal;
}

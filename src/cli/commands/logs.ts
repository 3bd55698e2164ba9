import type { Writable } from 'node:stream';
import { UsageError } from '../../errors.ts';
import {
  type Command,
  type Context,
  environmentOperand,
  environmentOption,
  flag,
  type Input,
  text,
} from '../command.ts';
import { findServed } from '../control/running-server.ts';
import { logFile } from '../control/server-record.ts';
import { followFile, readTail } from '../control/tail.ts';
import { type Report, untilDrained } from '../output.ts';

const defaultLines = 100;

export const command: Command = {
  summary: 'print the log of a server that runs, or ran, in the background',
  examples: ['sessapp logs myenv --follow', 'sessapp logs --lines 20'],
  operands: [environmentOperand],
  options: [
    environmentOption,
    ['-f, --follow', 'go on with what is added'],
    ['-n, --lines <number>', `how many of the last lines (default: ${defaultLines})`],
  ],
  isHandedOver: true,
  async run(input, context) {
    const { system, output } = context;
    const lines = readLines(input);
    const isFollowing = flag(input, 'follow');
    if (isFollowing && output.json)
      throw new UsageError('--follow and --json do not go together.', 'Leave one of them out.');
    const path = logFile(await findServed(system, input.operands[0], text(input, 'env')));
    return isFollowing ? followLog(context, path, lines) : printTail(context, path, lines);
  },
};

function readLines(input: Input): number {
  const lines = text(input, 'lines') ?? String(defaultLines);
  if (/^[1-9]\d*$/.test(lines)) return Number(lines);
  throw new UsageError(`'${lines}' is not a valid number of lines.`, 'Give a number from 1 up.');
}

async function printTail({ output }: Context, path: string, lines: number): Promise<Report> {
  const tail = await readTail(path, lines);
  if (tail === undefined) output.note('There is no log: the server writes one when it runs in the background.');
  else if (tail === '') output.note('The log is empty so far.');
  return { data: { log: path, lines: tail ? tail.split('\n') : [] }, text: tail ?? '' };
}

async function followLog({ system, output }: Context, path: string, lines: number): Promise<Report> {
  const interrupted = system.catchInterrupts();
  const signal = AbortSignal.any([interrupted, untilClosed(system.stdout)]);
  for await (const text of followFile(path, lines, signal)) {
    // A reader that takes its time must not fill the memory.
    if (!output.text(text)) await untilDrained(system.stdout, signal);
  }
  interrupted.throwIfAborted();
  return {};
}

// `sessapp logs -f | head` has read enough.
function untilClosed(stream: Writable): AbortSignal {
  const controller = new AbortController();
  stream.once('close', () => controller.abort());
  return controller.signal;
}

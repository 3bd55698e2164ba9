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
  summary: 'print the log of the server in the background, running or stopped',
  examples: ['sessapp logs myenv --follow', 'sessapp logs --lines 20'],
  operands: [environmentOperand],
  options: [
    environmentOption,
    ['-f, --follow', 'keep printing new lines'],
    ['-n, --lines <number>', `how many lines to print from the end (default: ${defaultLines})`],
  ],
  isHandedOver: true,
  async run(input, context) {
    const { system, output } = context;
    const lines = readLines(input);
    const isFollowing = flag(input, 'follow');
    if (isFollowing && output.json)
      throw new UsageError('--follow and --json cannot be combined.', 'Leave one of them out.');
    const path = logFile(await findServed(system, input.operands[0], text(input, 'env')));
    return isFollowing ? followLog(context, path, lines) : printTail(context, path, lines);
  },
};

function readLines(input: Input): number {
  const lines = text(input, 'lines') ?? String(defaultLines);
  if (/^[1-9]\d*$/.test(lines)) return Number(lines);
  throw new UsageError(`'${lines}' is not a valid number of lines.`, 'Use a number of at least 1.');
}

async function printTail({ output }: Context, path: string, lines: number): Promise<Report> {
  const tail = await readTail(path, lines);
  if (tail === undefined) output.note('There is no log. The server writes one only when it runs in the background.');
  else if (tail === '') output.note('The log is empty so far.');
  return { data: { log: path, lines: tail ? tail.split('\n') : [] }, text: tail ?? '' };
}

async function followLog({ system, output }: Context, path: string, lines: number): Promise<Report> {
  const interrupted = system.catchInterrupts();
  const signal = AbortSignal.any([interrupted, untilClosed(system.stdout)]);
  for await (const text of followFile(path, lines, signal)) {
    // Wait for a slow reader, so that unread text does not fill the memory.
    if (!output.text(text)) await untilDrained(system.stdout, signal);
  }
  interrupted.throwIfAborted();
  return {};
}

// `head` in `sessapp logs -f | head` closes our stdout when it has read enough.
function untilClosed(stream: Writable): AbortSignal {
  const controller = new AbortController();
  stream.once('close', () => controller.abort());
  return controller.signal;
}

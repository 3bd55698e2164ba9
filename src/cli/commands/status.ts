import { type Command, environmentOperand, environmentOption, text } from '../command.ts';
import { findEnvironment, promptOf } from '../environment/find.ts';
import { findRunningServer } from '../control/server-record.ts';
import { countWorkers } from '../control/workers.ts';

export const command: Command = {
  summary: 'say whether the server of an environment runs: exit code 0 when it does, else 1',
  operands: [environmentOperand],
  options: [environmentOption],
  async run(input, { system, output }) {
    const environment = await findEnvironment(system, input.operands[0], text(input, 'env'));
    const name = output.style.bold(promptOf(environment));
    const record = await findRunningServer(environment);
    if (!record) return { data: { running: false }, text: `${name} does not run.`, exitCode: 1 };
    if (record.url === undefined || record.sinceMs === undefined) {
      const { pid } = record.owner;
      return {
        data: { running: false, starting: true },
        text: `${name} does not answer: process ${pid} is starting it, or waits for a change.`,
        exitCode: 1,
      };
    }
    const { url, pid, background } = record;
    const since = new Date(record.sinceMs).toISOString();
    const counts = await countWorkers(environment, record);
    return {
      data: { running: true, url, pid, since, background, ...counts },
      text: `${name} runs at ${output.style.cyan(url)} (process ${pid}${describe(counts)}, since ${since}).`,
    };
  },
};

function describe({ workers, ready }: { workers: number; ready: number }): string {
  if (ready < workers) return `, ${ready} of ${workers} workers`;
  return workers === 1 ? '' : `, ${workers} workers`;
}

import { type Command, environmentOperand, environmentOption, text } from '../command.ts';
import { findEnvironment, promptOf } from '../environment/find.ts';
import { findRunningServer } from '../environment/server-record.ts';

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
        text: `${name} is being started by process ${pid}.`,
        exitCode: 1,
      };
    }
    const { url, pid, background } = record;
    const since = new Date(record.sinceMs).toISOString();
    return {
      data: { running: true, url, pid, since, background },
      text: `${name} runs at ${output.style.cyan(url)} (process ${pid}, since ${since}).`,
    };
  },
};

import { type Command, environmentOperand, environmentOption, text } from '../command.ts';
import { runInPlace } from '../control/child.ts';
import { findEnvironment, promptOf } from '../environment/find.ts';
import { findShellCommand } from '../shells/interactive-shell.ts';

export const command: Command = {
  summary: 'open your shell inside an environment; exit leaves it',
  operands: [environmentOperand],
  options: [environmentOption],
  isHandedOver: true,
  async run(input, { system, output }) {
    const environment = await findEnvironment(system, input.operands[0], text(input, 'env'));
    const { file, args, env } = await findShellCommand(system, environment);
    if (system.stdin.isTTY) output.note(output.style.dim(`In ${promptOf(environment)}; exit leaves it.`));
    return { exitCode: await runInPlace(system, file, args, env) };
  },
};
